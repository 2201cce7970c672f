import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls, createServer, type Server, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extensionTypes } from '#xds';
import { createTestCa, type TestCertificate } from '../unit/data-plane-tls/certificates.ts';
import { readPairs } from './support/pairs/case-file.ts';
import { startTwoProxies, type TwoProxies } from './support/pairs/two-proxies.ts';

const PORTS = { hosts: 20_000, clients: 20_001, strict: 20_002 } as const;
const QUIET_MS = 100;
const TURNS = 4;
const HTTP = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
type Side = TwoProxies['ours'];

const inline = ({ chainPem, keyPem }: TestCertificate) => ({
  certificate_chain: { inline_string: chainPem },
  private_key: { inline_string: keyPem },
});

/** A cluster whose connections carry one request each. */
const towards = (port: number, config: object, more: object = {}) => ({
  hosts: [],
  load_assignment: {
    cluster_name: 'x',
    endpoints: [
      { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }] },
    ],
  },
  typed_extension_protocol_options: {
    [HTTP]: {
      '@type': `type.googleapis.com/${HTTP}`,
      common_http_protocol_options: { max_requests_per_connection: 1 },
      explicit_http_config: { http_protocol_options: {} },
    },
  },
  transport_socket: {
    name: 'envoy.transport_sockets.tls',
    typed_config: { '@type': extensionTypes.upstreamTls, sni: 'host', ...config, common_tls_context: more },
  },
});

describe('sessions of TLS', () => {
  let two: TwoProxies;
  let host: Server;
  let client: TestCertificate;
  const resumed: boolean[] = [];
  beforeAll(async () => {
    const ca = await createTestCa();
    const server = await ca.issue({ dns: ['host'] });
    client = await ca.issue({ uris: ['spiffe://a/b'] });
    const trust = { trusted_ca: { inline_string: ca.rootsPem } };
    host = createServer({ cert: server.chainPem, key: server.keyPem }, (socket) => {
      resumed.push(socket.isSessionReused());
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    });
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    const { port } = host.address() as { port: number };
    const served = (more: object) => ({
      routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }],
      clusters: {},
      requests: [],
      chain: {
        transport_socket: {
          name: 'envoy.transport_sockets.tls',
          typed_config: {
            '@type': extensionTypes.downstreamTls,
            require_client_certificate: true,
            common_tls_context: { tls_certificates: [inline(server)], validation_context: trust },
            ...more,
          },
        },
      },
    });
    const old = { tls_params: { tls_maximum_protocol_version: 'TLSv1_2' } };
    const recent = { tls_params: { tls_maximum_protocol_version: 'TLSv1_3' } };
    const cases = [
      {
        name: 'hosts',
        routes: ['new', 'old', 'usual', 'known', 'none', 'two'].map((name) => ({
          match: { prefix: `/${name}` },
          route: { cluster: name },
        })),
        clusters: {
          new: towards(port, {}, recent),
          usual: towards(port, {}),
          old: towards(port, {}, old),
          known: towards(port, {}, { validation_context: trust }),
          none: towards(port, { max_session_keys: 0 }),
          two: towards(port, { max_session_keys: 2 }, recent),
        },
        requests: [],
      },
      { name: 'clients', ...served({}) },
      { name: 'strict', ...served({ disable_stateless_session_resumption: true }) },
    ];
    two = await startTwoProxies(readPairs('sessions', cases.map((each) => JSON.stringify(each)).join('\n---\n')));
  });
  afterAll(async () => {
    await two?.stop();
    host?.close();
  });

  const figures = async (side: Side, name: RegExp) =>
    Object.fromEntries([...(await side.figures(name))].map(([key, value]) => [key.replace(`${side.ip}_`, ''), value]));

  async function toHosts(side: Side, name: string) {
    resumed.length = 0;
    for (let turn = 0; turn < TURNS; turn++) {
      const answer = await fetch(`http://${side.ip}:${PORTS.hosts}/${name}`);
      await answer.text();
      await pause(QUIET_MS);
    }
    const told = await figures(
      side,
      new RegExp(`^cluster\\.sessions-hosts\\.${name}\\.ssl\\.(handshake|session_reused|versions\\..*)$`),
    );
    // Envoy lists what has not moved.
    return {
      resumed: [...resumed],
      told: Object.entries(told)
        .filter(([, value]) => value > 0)
        .sort(),
    };
  }

  it.each(['new', 'old', 'usual', 'known', 'none', 'two'])(
    'are taken up towards a host as Envoy takes them up (%s)',
    async (name) => {
      const envoy = await toHosts(two.envoy, name);
      expect(await toHosts(two.ours, name)).toEqual(envoy);
    },
  );

  async function ofClients(side: Side, port: number, maxVersion: 'TLSv1.2' | 'TLSv1.3') {
    const before = await figures(side, /ssl\.(handshake|session_reused)$/);
    const seen: boolean[] = [];
    let session: Buffer | undefined;
    for (let turn = 0; turn < TURNS; turn++) {
      const own = { cert: client.chainPem, key: client.keyPem, rejectUnauthorized: false, maxVersion };
      const socket: TLSSocket = connectTls({ host: side.ip, port, ...own, ...(session && { session }) });
      if (maxVersion === 'TLSv1.3') session = undefined;
      socket
        .on('error', () => undefined)
        .on('session', (given: Buffer) => {
          session = given;
        });
      await once(socket, 'secureConnect');
      socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      await once(socket, 'data');
      seen.push(socket.isSessionReused());
      socket.destroy();
      await pause(QUIET_MS);
    }
    const after = await figures(side, /ssl\.(handshake|session_reused)$/);
    const told = Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)] as const);
    return { seen, told: told.filter(([, by]) => by > 0).sort() };
  }

  it.each([
    ['clients', 'TLSv1.3'],
    ['clients', 'TLSv1.2'],
    ['strict', 'TLSv1.3'],
  ] as const)('of clients are taken up as Envoy takes them up (%s, %s)', async (name, version) => {
    const envoy = await ofClients(two.envoy, PORTS[name], version);
    expect(await ofClients(two.ours, PORTS[name], version)).toEqual(envoy);
  });
});
