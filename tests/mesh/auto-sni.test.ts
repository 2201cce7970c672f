import { constants } from 'node:crypto';
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, type ClusterLoadAssignment, extensionTypes, type Route, typeUrls } from '#xds';
import { furtherFields, readProxyHeader } from '../../server/data-plane/listener/proxy-header.ts';
import { createTestCa as createCa } from '../unit/data-plane-tls/certificates.ts';
import {
  edsCluster,
  forwardTo,
  outboundListener,
  routes,
  standardClusters,
  virtualOutbound,
} from './data-plane-config.ts';
import { createTestCa, type Pod, startPod } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const IP = `${NET}.12.1`;
const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

let server: Server;
/** Protocols that it was offered last. */
let offered: string[] = [];
/** Reads a PROXY protocol header, and hands the rest to `server`. */
let behindHeader: TcpServer;
/** Headers that it has read: version, client, where that wanted to go, further fields. */
const told: unknown[] = [];
let client: Pod;
/** Names that the server was asked for, `none` without SNI. */
let asked: string[];

const named = (auto: object) => ({
  typed_extension_protocol_options: {
    [OPTIONS]: {
      '@type': `type.googleapis.com/${OPTIONS}`,
      explicit_http_config: { http_protocol_options: {} },
      upstream_http_protocol_options: auto,
    },
  },
});

/** Connections begin with a header that names the client. */
const naming = (config: object, { transport_socket }: Pick<Cluster, 'transport_socket'>): Partial<Cluster> =>
  ({
    transport_socket: {
      name: 'envoy.transport_sockets.upstream_proxy_protocol',
      typed_config: {
        '@type':
          'type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport',
        config,
        transport_socket,
      },
    },
  }) as Partial<Cluster>;

beforeAll(async () => {
  const ca = await createCa();
  const { chainPem, keyPem } = await ca.issue({ dns: ['good.example', '*.shop.example'] });
  const agree = ({ protocols }: { protocols: string[] }): string | undefined => {
    offered = protocols;
    return protocols[0];
  };
  // A client that takes a session up again would be asked for no name.
  const secureOptions = constants.SSL_OP_NO_TICKET;
  server = createServer({ cert: chainPem, key: keyPem, ALPNCallback: agree, secureOptions }, (socket) => {
    asked.push(socket.servername || 'none');
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  behindHeader = createTcpServer((socket) => {
    socket.once('data', (bytes: Buffer) => {
      const header = readProxyHeader(bytes);
      if (typeof header !== 'object') throw new Error(`there is no header: ${header}`);
      const { version, length, addresses } = header;
      told.push([version, addresses?.source.ip, addresses?.destination, furtherFields(bytes.subarray(0, length))]);
      const onward = connect(port, '127.0.0.1', () => onward.write(bytes.subarray(length)));
      socket.pipe(onward).pipe(socket);
    });
  });
  await new Promise<void>((resolve) => behindHeader.listen(0, '127.0.0.1', resolve));
  const tls = (fields: object) => ({
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': extensionTypes.upstreamTls,
        common_tls_context: { validation_context: { trusted_ca: { inline_string: ca.rootsPem } } },
        ...fields,
      },
    },
  });
  const clusters: Cluster[] = [
    edsCluster('both', { ...tls({}), ...named({ auto_sni: true, auto_san_validation: true }) }),
    edsCluster('sni', { ...tls({}), ...named({ auto_sni: true }) }),
    edsCluster('host', tls({ auto_host_sni: true, auto_sni_san_validation: true, sni: 'bad.example' })),
    edsCluster('fixed', tls({ sni: 'bad.example', auto_sni_san_validation: true })),
    edsCluster('v1', naming({}, tls({ sni: 'good.example' }))),
    edsCluster('v2', naming({ version: 'V2', added_tlvs: [{ type: 224, value: 'aGk=' }] }, tls({}))),
  ];
  const portFor = (name: string): number =>
    name.startsWith('v') ? (behindHeader.address() as AddressInfo).port : port;
  const assignment = ({ name }: Cluster): ClusterLoadAssignment => ({
    cluster_name: name,
    endpoints: [
      {
        lb_endpoints: [
          {
            endpoint: {
              address: { socket_address: { address: '127.0.0.1', port_value: portFor(name) } },
              ...(name === 'host' && { hostname: 'a.shop.example' }),
            },
          },
        ],
      },
    ],
  });
  const at = (prefix: string, cluster: string, fields: Record<string, unknown> = {}): Route => ({
    ...forwardTo(cluster, fields),
    match: { prefix },
  });
  client = await startPod({ ip: IP, name: 'client-v1', signer: await createTestCa() }, (xds) => {
    xds.push(typeUrls.cluster, [...standardClusters, ...clusters]);
    xds.push(typeUrls.endpoint, clusters.map(assignment));
    xds.push(typeUrls.listener, [virtualOutbound, outboundListener(8443)]);
    xds.push(typeUrls.route, [
      routes(
        8443,
        ['*'],
        [
          at('/rewritten', 'both', { host_rewrite_literal: 'good.example' }),
          ...['both', 'sni', 'host', 'fixed', 'v1', 'v2'].map((name) => at(`/${name}`, name)),
        ],
      ),
    ]);
  });
});
afterAll(async () => {
  await client?.stop();
  server?.close();
  behindHeader?.close();
});

/** Status of a request for a host, and the names that the server was asked for. */
async function ask(path: string, host: string): Promise<[number, string[]]> {
  asked = [];
  const { status } = await client.fetch({ ip: '10.0.0.1', port: 8443 }, { path, host });
  return [status, asked];
}

it.each([
  ['/both', 'good.example', 'good.example'],
  ['/both', 'good.example:8443', 'good.example'],
  ['/both', 'b.shop.example', 'b.shop.example'],
  ['/both', 'GOOD.example', 'GOOD.example'],
  ['/rewritten', 'other.example', 'good.example'],
  ['/sni', 'other.example', 'other.example'],
  ['/sni', '127.0.0.1', 'none'],
  ['/host', 'other.example', 'a.shop.example'],
])('asks at %s for the host %s by the name %s', async (path, host, name) => {
  expect(await ask(path, host)).toEqual([200, [name]]);
});

it.each([
  ['/both', 'other.example'],
  ['/both', 'a.b.shop.example'],
  ['/both', '127.0.0.1'],
])('refuses at %s for the host %s a certificate without that name', async (path, host) => {
  const before = client.logs.length;
  expect((await ask(path, host))[0]).toBe(503);
  expect(client.logs.slice(before).join('\n')).toContain(
    `verify_cert_failed:_verify_SAN_list,_expected_SANs:_[${host}],_certificate_SANs:_[good.example,_*.shop.example]`,
  );
});

it('refuses a certificate without the name that it asked for of itself, in the words for matchers', async () => {
  const before = client.logs.length;
  expect((await ask('/fixed', 'good.example'))[0]).toBe(503);
  expect(client.logs.slice(before).join('\n')).toContain(
    'verify_cert_failed:_SAN_matcher,_certificate_SANs_are_[good.example,_*.shop.example]',
  );
});

it('tells a server who its client is, in both versions of the PROXY protocol, before TLS', async () => {
  const destination = { ip: '10.0.0.1', port: 8443 };
  expect(await ask('/v1', 'a')).toEqual([200, ['good.example']]);
  expect(await ask('/v2', 'a')).toEqual([200, ['none']]);
  expect(told).toEqual([
    [1, IP, destination, []],
    [2, IP, destination, [{ type: 224, value: Buffer.from('hi') }]],
  ]);
  const page = await (await fetch(`http://${IP}:15000/stats`)).text();
  expect(page).toContain('cluster.v2.upstream.proxyprotocol.v2_tlvs_exceed_max_length: 0');
  expect(page).toContain('cluster.v2.upstream_rq_timeout: 0');
});

it('offers the protocol that it speaks to a server whose cluster names none', async () => {
  offered = [];
  expect((await ask('/sni', 'any.example'))[0]).toBe(200);
  expect(offered).toEqual(['http/1.1']);
});
