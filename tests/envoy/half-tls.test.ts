import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls, createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extensionTypes } from '#xds';
import { createTestCa } from '../unit/data-plane-tls/certificates.ts';
import { readPairs } from './support/pairs/case-file.ts';
import { changes } from './support/pairs/figures.ts';
import { startTwoProxies, type TwoProxies } from './support/pairs/two-proxies.ts';
import { type Share, type ShortRelay, startShortRelay } from './support/short-relay.ts';
import { waitFor } from './support/wait.ts';

const FIRST_PORT = 20_000;
const LATE_MS = 5000;
const QUIET_MS = 300;
const UNLIKE =
  /bytes|_ms$|membership|update_|ciphers|curves|sigalgs|versions|worker_|admin|downstream_cx(?!_(transport|total))/;
type Side = TwoProxies['ours'];

const towards = (port: number, more: object) => ({
  hosts: [],
  connect_timeout: '0.4s',
  load_assignment: {
    cluster_name: 'x',
    endpoints: [
      { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }] },
    ],
  },
  transport_socket: {
    name: 'envoy.transport_sockets.tls',
    typed_config: { '@type': extensionTypes.upstreamTls, ...more },
  },
});

/** How far the server's side gets. */
const SHARES: readonly (readonly [string, Share])[] = [
  ['nothing', { toClient: 0 }],
  ['half the head of a record', { toClient: 3 }],
  ['half its ServerHello', { toClient: 40 }],
  ['its ServerHello and half its certificate', { toClient: 300 }],
  ['nothing, since half a ClientHello has come,', { toServer: 100 }],
];

const CLIENTS: readonly (readonly [string, Share])[] = [
  ['nothing', { toServer: 0 }],
  ['half the head of a record', { toServer: 3 }],
  ['half its ClientHello', { toServer: 100 }],
  ['its ClientHello and half of what follows', { toServer: 560 }],
];

describe('a TLS handshake that stalls', () => {
  let two: TwoProxies;
  let host: Server;
  let before: ShortRelay;
  beforeAll(async () => {
    const ca = await createTestCa();
    const { chainPem, keyPem } = await ca.issue({ dns: ['host'] });
    host = createServer({ cert: chainPem, key: keyPem }, (socket) => socket.on('error', () => undefined));
    host.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    before = await startShortRelay(() => ({ ip: '127.0.0.1', port: (host.address() as { port: number }).port }));
    const certificate = { certificate_chain: { inline_string: chainPem }, private_key: { inline_string: keyPem } };
    const old = { tls_params: { tls_maximum_protocol_version: 'TLSv1_2' } };
    const cases = [
      {
        name: 'hosts',
        routes: [
          { match: { prefix: '/old' }, route: { cluster: 'old', timeout: '0.7s' } },
          { match: { prefix: '/' }, route: { cluster: 'new', timeout: '0.7s' } },
        ],
        clusters: {
          new: towards(before.port, { sni: 'host' }),
          old: towards(before.port, { sni: 'host', common_tls_context: old }),
        },
        requests: [],
      },
      {
        name: 'clients',
        routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }],
        clusters: {},
        logs_connections: true,
        chain: {
          transport_socket_connect_timeout: '0.4s',
          transport_socket: {
            name: 'envoy.transport_sockets.tls',
            typed_config: {
              '@type': extensionTypes.downstreamTls,
              common_tls_context: { tls_certificates: [certificate] },
            },
          },
        },
        requests: [],
      },
    ];
    two = await startTwoProxies(readPairs('half', cases.map((each) => JSON.stringify(each)).join('\n---\n')));
  });
  afterAll(async () => {
    await two?.stop();
    await before?.stop();
    host?.close();
  });

  const figures = (side: Side) => side.figures(/^(cluster|http|listener)\./);
  const grownSince = async (side: Side, earlier: Awaited<ReturnType<Side['figures']>>) =>
    Object.entries(changes(earlier, await figures(side)))
      .map(([name, by]) => [name.replace(`${side.ip}_`, ''), by] as const)
      .filter(([name]) => !UNLIKE.test(name))
      .sort();
  const newLines = (side: Side, from: number) =>
    side
      .logLines()
      .slice(from)
      .filter((line) => line.startsWith('{'))
      .map((line) => {
        const { status, flags, details, transportFailure } = JSON.parse(line) as Record<string, unknown>;
        return { status, flags, details, transportFailure };
      });

  describe.each(['/new', '/old'])('towards a host (%s)', (path) => {
    async function seenAt(side: Side, share: Share): Promise<object> {
      before.share = share;
      const [earlier, lines] = [await figures(side), side.logLines().length];
      const answer = await fetch(`http://${side.ip}:${FIRST_PORT}${path}`);
      const body = await answer.text();
      await waitFor('a line of the log', LATE_MS, () => (newLines(side, lines).length > 0 ? true : undefined));
      await pause(QUIET_MS);
      const seen = { status: answer.status, body, log: newLines(side, lines), grown: await grownSince(side, earlier) };
      before.hangUp();
      return seen;
    }

    it.each(SHARES)('that says %s ends as at Envoy', async (_name, share) => {
      const envoy = await seenAt(two.envoy, share);
      expect(await seenAt(two.ours, share)).toEqual(envoy);
    });
  });

  describe.each(['TLSv1.3', 'TLSv1.2'] as const)('of a client (%s)', (maxVersion) => {
    async function seenAt(side: Side, share: Share): Promise<object> {
      const relay = await startShortRelay(() => ({ ip: side.ip, port: FIRST_PORT + 1 }));
      relay.share = share;
      const [earlier, lines] = [await figures(side), side.logLines().length];
      const socket = connectTls({ host: '127.0.0.1', port: relay.port, rejectUnauthorized: false, maxVersion });
      socket.on('error', () => undefined);
      let closed = false;
      socket.on('close', () => {
        closed = true;
      });
      await pause(1000);
      const ended = closed;
      await relay.stop();
      await pause(QUIET_MS);
      return { ended, log: newLines(side, lines), grown: await grownSince(side, earlier) };
    }

    it.each(CLIENTS)('that says %s ends as at Envoy', async (_name, share) => {
      const [envoy, ours] = await Promise.all([two.envoy, two.ours].map((side) => seenAt(side, share)));
      expect(ours).toEqual(envoy);
    });
  });
});
