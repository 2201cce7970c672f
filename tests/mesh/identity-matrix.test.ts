import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCertificateAuthority, createTokenIssuer } from '#ca';
import type { KubeObject } from '#domain';
import { clock, sendFrom, until } from './data-plane-harness.ts';
import {
  CLIENTS,
  type ClientKind,
  createIdentities,
  exchange,
  PROTOCOLS,
  type Protocol,
  type TestIdentities,
} from './identity-clients.ts';
import { NET } from './own-network.ts';
import { GRPC_PORT, HTTP_PORT, type PolicedPod, startPoliced, TCP_PORT } from './policy-mesh.ts';

const IP = `${NET}.1.2`;
const HIDDEN = `${NET}.101.2`;
const CLIENT = `${NET}.1.9`;
const PORTS: Readonly<Record<Protocol, number>> = { HTTP: HTTP_PORT, gRPC: GRPC_PORT, TCP: TCP_PORT };

type Mode = 'STRICT' | 'PERMISSIVE' | 'DISABLE';

const peerAuthentication = (spec: object): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name: 'peers', namespace: 'default' },
  spec,
});

/** The ways to reach a mode: for the whole namespace, and for a port against what holds for the workload. */
const SETTINGS: readonly (readonly [string, Mode, (protocol: Protocol) => object])[] = [
  ['STRICT', 'STRICT', () => ({ mtls: { mode: 'STRICT' } })],
  ['PERMISSIVE', 'PERMISSIVE', () => ({ mtls: { mode: 'PERMISSIVE' } })],
  ['DISABLE', 'DISABLE', () => ({ mtls: { mode: 'DISABLE' } })],
  ['DISABLE on the port, STRICT around it', 'DISABLE', (protocol) => portLevel('STRICT', protocol, 'DISABLE')],
  ['STRICT on the port, PERMISSIVE around it', 'STRICT', (protocol) => portLevel('PERMISSIVE', protocol, 'STRICT')],
];

const portLevel = (around: Mode, protocol: Protocol, mode: Mode): object => ({
  selector: { matchLabels: { app: 'web' } },
  mtls: { mode: around },
  portLevelMtls: { [PORTS[protocol]]: { mode } },
});

interface Expected {
  readonly client: string | RegExp;
  /** What the server's access log says; undefined: no line, as from Envoy where a connection never carried a request. */
  readonly log: string | undefined;
  /** End of the name of the counter that moves. */
  readonly stat?: string;
  /** connection_security_policy of Istio's metric. */
  readonly security?: 'mutual_tls' | 'none';
  /** Part of the reason that the decision path gives where the handshake failed. */
  readonly reason?: string;
}

const LOG: Readonly<Record<Protocol, string>> = {
  HTTP: '"GET /matrix HTTP/1.1" 200 - via_upstream',
  gRPC: '"POST /web.Matrix/Ask HTTP/2" 200 - via_upstream',
  TCP: '"- - -" 0 - - - "-"',
};

function expected(mode: Mode, kind: ClientKind, protocol: Protocol): Expected {
  const answered = { client: 'answered', log: LOG[protocol] };
  if (kind === 'plaintext' && mode !== 'STRICT') return { ...answered, security: 'none' };
  if (mode === 'DISABLE') return notTls(protocol);
  if (kind === 'mesh mTLS') return { ...answered, security: 'mutual_tls', stat: 'ssl.handshake' };
  if (kind === 'plaintext') return noChain;
  if (kind === 'own TLS') {
    // What is TLS and not the mesh's own belongs to the application where the port is not known to speak HTTP.
    return mode === 'STRICT' ? refusedPeer(protocol, NO_CERTIFICATE) : protocol === 'TCP' ? notTls(protocol) : noChain;
  }
  return refusedPeer(protocol, REFUSED[kind]);
}

const noChain: Expected = {
  client: 'reset',
  log: '"- - -" 0 NR filter_chain_not_found',
  stat: 'no_filter_chain_match',
};

const NO_CERTIFICATE = {
  client: 'alert certificate required',
  stat: 'ssl.fail_verify_no_cert',
  reason: 'PEER_DID_NOT_RETURN_A_CERTIFICATE',
};
const NOT_TRUSTED = { stat: 'ssl.fail_verify_error', reason: 'CERTIFICATE_VERIFY_FAILED' };
const FOREIGN = { client: 'alert unknown ca', ...NOT_TRUSTED };
const EXPIRED = { client: 'alert certificate expired', ...NOT_TRUSTED };
const REFUSED = { 'no certificate': NO_CERTIFICATE, 'foreign CA': FOREIGN, 'expired certificate': EXPIRED };

const refusedPeer = (protocol: Protocol, why: typeof NO_CERTIFICATE): Expected => ({
  ...why,
  log: protocol === 'TCP' ? LOG.TCP : undefined,
});

/** A ClientHello is no HTTP: the proxy answers it as a bad request, in plaintext. A TCP port hands it to its application, an echo. */
const notTls = (protocol: Protocol): Expected => ({
  client: /^(EPROTO|ERR_SSL_WRONG_VERSION_NUMBER)$/,
  ...(protocol === 'TCP'
    ? { log: LOG.TCP }
    : { log: '"- - HTTP/1.1" 400 DPE http1.codec_error', stat: '.downstream_cx_protocol_error' }),
});

describe('what becomes of a client', () => {
  let web: PolicedPod;
  let identities: TestIdentities;
  let echo: Server;
  let grpc: Http2Server;

  beforeAll(async () => {
    const tokens = createTokenIssuer({ clock });
    const authority = createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens });
    identities = await createIdentities(authority.material);
    const token = tokens.mint({ namespace: 'default', serviceAccount: 'web', pod: 'web-v1' });
    web = await startPoliced({ ip: IP, signer: { sign: async (csr) => authority.sign(csr, token) } });
    echo = createServer((socket) => void socket.on('error', () => undefined).pipe(socket));
    await new Promise<void>((resolve) => echo.listen(TCP_PORT, HIDDEN, resolve));
    grpc = createHttp2Server((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/grpc', 'grpc-status': '0' }).end();
    });
    await new Promise<void>((resolve) => grpc.listen(GRPC_PORT, HIDDEN, resolve));
  });
  afterAll(async () => {
    await web?.pod.stop();
    echo?.close();
    grpc?.close();
  });

  const stat = (name: string): number =>
    [...web.pod.proxy.admin.stats()].filter(([key]) => key.endsWith(name)).reduce((sum, [, value]) => sum + value, 0);

  const metrics = (): Promise<string> =>
    fetch(`http://${IP}:15090/stats/prometheus`).then((response) => response.text());

  const counted = (text: string, protocol: Protocol, security: string): number => {
    const name = protocol === 'TCP' ? 'istio_tcp_connections_opened_total' : 'istio_requests_total';
    const kind = { HTTP: 'request_protocol="http"', gRPC: 'request_protocol="grpc"', TCP: 'request_protocol="tcp"' }[
      protocol
    ];
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{reporter="destination"`) && line.includes(kind))
      .filter((line) => line.includes(`connection_security_policy="${security}"`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  };

  const cells = SETTINGS.flatMap((setting) =>
    PROTOCOLS.flatMap((protocol) => CLIENTS.map((kind) => [setting[0], protocol, kind, setting] as const)),
  );

  it.each(cells)('%s, %s, %s', async (_name, protocol, kind, [, mode, spec]) => {
    web.apply([peerAuthentication(spec(protocol))]);
    const { client, log, stat: moves = 'nothing', security, reason } = expected(mode, kind, protocol);
    const { logs, hops } = web.pod;
    const [value, lines, recorded] = [stat(moves), logs.length, hops.length];
    const countedBefore = security === undefined ? 0 : counted(await metrics(), protocol, security);
    const outcome = await exchange(kind, { from: CLIENT, ip: IP, port: PORTS[protocol], protocol, identities });
    expect(outcome).toMatch(client);
    if (log !== undefined) {
      await until(() => logs.length > lines, 'a line is written');
      expect(logs.slice(lines)).toEqual([expect.stringContaining(log)]);
    }
    if (moves !== 'nothing') expect(stat(moves)).toBe(value + 1);
    if (reason !== undefined) {
      await until(() => hops.length > recorded, 'the refusal is recorded');
      expect(hops.at(-1)?.steps.at(-1)).toMatchObject({ stage: 'tls_server', detail: expect.stringContaining(reason) });
      expect(logs).toHaveLength(log === undefined ? lines : lines + 1);
      // The server's own record: what the ClientHello asked for, what the client showed, and which roots judged it.
      const record = hops.at(-1)?.handshakes?.downstream;
      expect(record).toMatchObject({
        side: 'server',
        offered: { serverName: expect.stringContaining('web.default'), versions: ['TLSv1.3', 'TLSv1.2'] },
        rootsPem: identities.rootsPem,
        failure: expect.stringContaining(reason),
      });
      expect(record?.peerChain).toHaveLength(kind === 'own TLS' || kind === 'no certificate' ? 0 : 2);
    }
    if (security === undefined) return;
    await expect.poll(async () => counted(await metrics(), protocol, security)).toBe(countedBefore + 1);
  });

  it('keeps from the application what a plaintext client says of its own certificate', async () => {
    web.apply([peerAuthentication({ mtls: { mode: 'PERMISSIVE' } })]);
    const headers = { 'x-forwarded-client-cert': 'By=me;URI=spiffe://cluster.local/ns/default/sa/admin' };
    const { status, body } = await sendFrom(CLIENT, { ip: IP, port: HTTP_PORT }, { host: 'web', headers });
    expect(status).toBe(200);
    expect(body).not.toContain('admin');
  });
});
