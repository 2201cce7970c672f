import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, type ClusterLoadAssignment, extensionTypes, type Route, typeUrls } from '#xds';
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

beforeAll(async () => {
  const ca = await createCa();
  const { chainPem, keyPem } = await ca.issue({ dns: ['good.example', '*.shop.example'] });
  server = createServer({ cert: chainPem, key: keyPem }, (socket) => {
    asked.push(socket.servername || 'none');
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
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
  ];
  const assignment = ({ name }: Cluster): ClusterLoadAssignment => ({
    cluster_name: name,
    endpoints: [
      {
        lb_endpoints: [
          {
            endpoint: {
              address: { socket_address: { address: '127.0.0.1', port_value: port } },
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
          ...['both', 'sni', 'host', 'fixed'].map((name) => at(`/${name}`, name)),
        ],
      ),
    ]);
  });
});
afterAll(async () => {
  await client?.stop();
  server?.close();
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
  ['/both', 'other.example', 'other.example'],
  ['/both', 'a.b.shop.example', 'a.b.shop.example'],
  ['/both', '127.0.0.1', '127.0.0.1'],
  ['/fixed', 'good.example', 'bad.example'],
])('refuses at %s for the host %s a certificate without %s', async (path, host, name) => {
  const before = client.logs.length;
  expect((await ask(path, host))[0]).toBe(503);
  expect(client.logs.slice(before).join('\n')).toContain(
    `verify_cert_failed:_verify_SAN_list,_expected_SANs:_[${name}],_certificate_SANs:_[good.example,_*.shop.example]`,
  );
});
