import type { CertificateView, HandshakeView } from '#contract';
import { shortPod } from '../xds-inspector/train-graph.ts';

/** One connection of a request, with what each side recorded of its handshake. */
export interface Connection {
  key: string;
  client: HandshakeView | undefined;
  server: HandshakeView | undefined;
}

/** A proxy's record as client and the record as server of the proxy that it reached are two views of one connection. */
export function connectionsOf(handshakes: readonly HandshakeView[]): Connection[] {
  const connections: Connection[] = [];
  for (const one of handshakes) {
    const open = connections.at(-1);
    const belongs =
      one.side === 'server' && open?.client !== undefined && open.server === undefined && sameHello(open.client, one);
    if (open && belongs) open.server = one;
    else
      connections.push({
        key: `${one.pod} ${one.side}`,
        client: one.side === 'client' ? one : undefined,
        server: one.side === 'server' ? one : undefined,
      });
  }
  return connections;
}

const sameHello = (client: HandshakeView, server: HandshakeView): boolean =>
  client.failure !== undefined ||
  // Nobody told what it said.
  client.offered.versions.length === 0 ||
  client.offered.serverName.toLowerCase() === server.offered.serverName.toLowerCase();

/** One step of the record. */
export interface RecordStep {
  title: string;
  by: string;
  facts: [string, string][];
  chain?: readonly CertificateView[];
  /** What the other side made of it. */
  verdict?: { good: boolean; words: string };
  stop?: boolean;
}

/** The handshake of TLS as a list that is read top to bottom (RFC 8446 §2). */
export function stepsOf({ client, server }: Connection): RecordStep[] {
  const seen = client ?? server;
  if (seen === undefined) return [];
  const offer = server && server.offered.versions.length > 0 ? server.offered : seen.offered;
  const asks = client?.pod ?? 'the client outside';
  const answers = server?.pod ?? 'the server outside';
  const failure = server?.failure ?? client?.failure;
  const agreed = client?.agreed ?? server?.agreed;
  const steps: RecordStep[] = [];
  if (offer.versions.length > 0) {
    steps.push({
      title: 'ClientHello',
      by: asks,
      facts: [
        ['SNI', offer.serverName || 'none: the server cannot tell which host is wanted'],
        ['ALPN', offer.alpn.join(', ') || 'none'],
        ['Versions', offer.versions.join(', ')],
      ],
    });
  }
  if (agreed !== undefined) {
    steps.push({
      title: 'ServerHello',
      by: answers,
      facts: [
        ['Version', agreed.version],
        ['Cipher', agreed.cipher],
        ...(agreed.alpn === undefined
          ? []
          : [['ALPN', agreed.alpn || 'none in common: goes on without'] satisfies [string, string]]),
      ],
    });
  }
  const serverChain = client?.shown.length ? client.shown : (server?.own ?? []);
  if (serverChain.length > 0)
    steps.push({ title: 'Certificate of the server', by: answers, facts: [], chain: serverChain, ...judged(client) });
  const clientChain = server?.shown.length ? server.shown : (client?.own ?? []);
  if (clientChain.length > 0)
    steps.push({ title: 'Certificate of the client', by: asks, facts: [], chain: clientChain, ...judged(server) });
  else if (server !== undefined && failure === undefined)
    steps.push({
      title: 'No certificate of the client',
      by: asks,
      facts: [['So', 'the server does not know who asks']],
    });
  if (failure !== undefined)
    steps.push({
      title: 'Broken off',
      by: server?.failure === undefined ? asks : answers,
      facts: [['Reason', failure]],
      stop: true,
    });
  else steps.push({ title: 'Finished', by: 'both', facts: [['From here on', 'every byte is encrypted']] });
  return steps;
}

/** What the verifying side made of the chain that it was shown. */
function judged(verifier: HandshakeView | undefined): Pick<RecordStep, 'verdict'> {
  if (verifier === undefined || verifier.shown.length === 0) return {};
  const { anchor, bundle, expected, names, failure } = verifier;
  if (bundle === undefined)
    return { verdict: { good: false, words: `${shortPod(verifier.pod)} did not verify it: no trust bundle is set` } };
  if (anchor === undefined)
    return {
      verdict: {
        good: false,
        words: `none of the ${bundle} roots in the bundle of ${shortPod(verifier.pod)} signed it`,
      },
    };
  const root = `signed by ${anchor.subject}, one of ${bundle} ${bundle === 1 ? 'root' : 'roots'} in its bundle`;
  if (failure?.includes('SAN matcher'))
    return {
      verdict: {
        good: false,
        words: `${root}; but it proves ${names.join(', ')}, and wanted was ${expected.join(' or ')}`,
      },
    };
  const name = expected.length === 0 ? 'any name would do' : `the name is ${expected.join(' or ')}, as wanted`;
  return { verdict: { good: true, words: `${shortPod(verifier.pod)} verified it: ${root}; ${name}` } };
}
