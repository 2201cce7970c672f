import { X509Certificate } from 'node:crypto';
import type { HandshakesView, HandshakeView } from '#contract';
import type { HandshakeRecord, HopRecord } from '#domain';
import { anchorOf, certificateView, readChain } from './certificates.ts';

/** The TLS of one request, hop by hop: what was offered, what was agreed, whom each side proved to be, and who vouched for it. */
export function handshakesView(request: string, hops: readonly HopRecord[]): HandshakesView {
  return {
    request,
    handshakes: hops.flatMap((hop) => [
      ...viewOf(hop, 'downstream', hop.handshakes?.downstream),
      ...viewOf(hop, 'upstream', hop.handshakes?.upstream),
      ...brokenUpstream(hop),
    ]),
    plaintext: hops.flatMap(plaintextOf),
  };
}

function viewOf(hop: HopRecord, peer: HandshakeView['peer'], record: HandshakeRecord | undefined): HandshakeView[] {
  if (record === undefined) return [];
  const { side, offered, agreed, ownChainPem, peerChain, rootsPem, expected } = record;
  const failure = record.failure ?? (peer === 'upstream' ? refusalAfterwards(hop) : undefined);
  const shown = peerChain.map((der) => new X509Certificate(Buffer.from(der)));
  const roots = rootsPem === undefined ? undefined : readChain(rootsPem);
  const sent = shown.filter((certificate, place) => place === 0 || !isAmong(roots, certificate));
  const anchor = anchorOf(sent, roots ?? []);
  const names = shown[0]?.subjectAltName?.split(', ').map((name) => name.replace(/^\w+:/, '')) ?? [];
  return [
    {
      pod: hop.proxy.pod,
      side,
      peer,
      reused: reusedOn(hop, peer),
      offered: { serverName: offered.serverName, alpn: [...offered.alpn], versions: [...offered.versions] },
      ...(agreed !== undefined && { agreed }),
      own: readChain(ownChainPem).map(certificateView),
      shown: sent.map(certificateView),
      ...(anchor !== undefined && { anchor: certificateView(anchor) }),
      ...(roots !== undefined && { bundle: roots.length }),
      expected: [...expected],
      names,
      ...(failure !== undefined && { failure }),
    },
  ];
}

const isAmong = (roots: readonly X509Certificate[] | undefined, certificate: X509Certificate): boolean =>
  roots?.some(({ fingerprint256 }) => fingerprint256 === certificate.fingerprint256) === true;

/** The pool's step tells whether the connection to the upstream was open already. */
function reusedOn(hop: HopRecord, peer: HandshakeView['peer']): boolean {
  if (peer === 'downstream') return false;
  return hop.steps.findLast(({ stage }) => stage === 'pool')?.evidence?.['reused'] === true;
}

const TLS_ERROR = /TLS_error:.*?:TLS_error_end/;

const tlsErrorOf = (hop: HopRecord): string | undefined =>
  hop.steps.flatMap(({ detail = '' }) => TLS_ERROR.exec(detail)?.[0] ?? []).at(-1);

/** In TLS 1.3 a server judges the client when the client's own handshake is over: its alert ends the connection that was just made. */
const refusalAfterwards = (hop: HopRecord): string | undefined =>
  hop.response.flags.some((flag) => flag === 'UF' || flag === 'UC') ? tlsErrorOf(hop) : undefined;

/** A handshake that could not begin leaves its reason only, in the step of the attempt. */
function brokenUpstream(hop: HopRecord): HandshakeView[] {
  if (hop.handshakes?.upstream !== undefined) return [];
  const failure = tlsErrorOf(hop);
  if (failure === undefined || hop.handshakes?.downstream?.failure !== undefined) return [];
  return [
    {
      pod: hop.proxy.pod,
      side: 'client',
      peer: 'upstream',
      reused: false,
      offered: { serverName: '', alpn: [], versions: [] },
      own: [],
      shown: [],
      expected: [],
      names: [],
      failure,
    },
  ];
}

/** A hop that spoke without TLS with another proxy or workload; an app and its own proxy share a pod and need none. */
function plaintextOf(hop: HopRecord): string[] {
  const { proxy, direction, handshakes, upstreamHost } = hop;
  const name = [proxy.service, proxy.version].filter(Boolean).join(' ');
  if (direction === 'inbound' && handshakes?.downstream === undefined) return [`${name} was asked in plaintext`];
  const asked = upstreamHost !== '' && handshakes?.upstream === undefined;
  const broke = hop.steps.some(({ detail = '' }) => TLS_ERROR.test(detail));
  return direction === 'outbound' && asked && !broke ? [`${name} asked ${upstreamHost} in plaintext`] : [];
}
