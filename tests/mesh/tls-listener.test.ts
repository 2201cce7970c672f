import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { leaseSubnet, type SubnetLease } from '#sandbox/subnets';
import { extensionTypes, type Listener, typeUrls } from '#xds';
import { createKeyAndRequest } from '../../server/data-plane/agent/csr.ts';
import { createTestCa, type Pod, startPod } from './data-plane-harness.ts';

const PORT = 8443;

/** Ends TLS and answers by itself; nothing looks at the first bytes before. */
const listener = (ip: string, chainPem: string, keyPem: string): Listener => ({
  name: 'secured',
  address: { socket_address: { address: ip, port_value: PORT } },
  filter_chains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typed_config: {
            '@type': extensionTypes.httpConnectionManager,
            stat_prefix: 'secured',
            http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': extensionTypes.router } }],
            route_config: { name: 'none', virtual_hosts: [] },
          },
        },
      ],
      transport_socket: {
        name: 'envoy.transport_sockets.tls',
        typed_config: {
          '@type': extensionTypes.downstreamTls,
          common_tls_context: {
            alpn_protocols: ['h2', 'http/1.1'],
            tls_certificates: [
              { certificate_chain: { inline_string: chainPem }, private_key: { inline_string: keyPem } },
            ],
          },
        },
      },
    },
  ],
});

describe('a listener with TLS and without inspectors', () => {
  let lease: SubnetLease;
  let pod: Pod;
  let ip: string;
  beforeAll(async () => {
    lease = await leaseSubnet(seededRandom(`tls-listener/${process.pid}`));
    ip = `127.${lease.subnet}.1.1`;
    const signer = await createTestCa();
    const { csrPem, keyPem } = createKeyAndRequest('spiffe://cluster.local/ns/default/sa/secured');
    const { chainPem } = await signer.sign(csrPem, 'token');
    pod = await startPod({ ip, name: 'secured', role: 'router', signer }, (xds) => {
      xds.push(typeUrls.cluster, []);
      xds.push(typeUrls.listener, [listener(ip, chainPem.join('\n'), keyPem)]);
    });
  });
  afterAll(async () => {
    await pod?.stop();
    await lease?.release();
  });

  it.each([
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [['unheard'], false],
  ] as const)('agrees with a client that offers %j on %s', async (offered, agreed) => {
    const socket = connectTls({ host: ip, port: PORT, ALPNProtocols: [...offered], rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe(agreed);
    socket.destroy();
  });
});
