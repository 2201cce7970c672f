import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { HopPorts } from './wire-nginx.ts';

const type = (name: string): { '@type': string } => ({ '@type': `type.googleapis.com/envoy.${name}` });
const address = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/** Both ends of mTLS with the leaf of the folder. */
function commonTls(folder: string): object {
  const [chain, key, roots] = ['leaf.pem', 'leaf.key', 'roots.pem'].map((file) => ({ filename: `${folder}/${file}` }));
  return {
    alpn_protocols: ['h2'],
    tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
    tls_certificates: [{ certificate_chain: chain, private_key: key }],
    validation_context: { trusted_ca: roots },
  };
}

/** One listener with a route for everything, a log of every request as Envoy writes it, and one cluster. */
function bootstrap(port: number, chain: object, cluster: object): string {
  const manager = {
    ...type('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'bench',
    access_log: [
      {
        name: 'log',
        typed_config: { ...type('extensions.access_loggers.file.v3.FileAccessLog'), path: '/dev/null' },
      },
    ],
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'next' } }] },
      ],
    },
    http_filters: [{ name: 'router', typed_config: type('extensions.filters.http.router.v3.Router') }],
  };
  const filters = [{ name: 'http', typed_config: manager }];
  const listener = { name: 'bench', address: address(port), filter_chains: [{ ...chain, filters }] };
  const settings = {
    static_resources: { listeners: [listener], clusters: [{ name: 'next', type: 'STATIC', ...cluster }] },
  };
  return JSON.stringify(settings);
}

const hosts = (port: number): object => ({
  load_assignment: { cluster_name: 'next', endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] },
});

/** The client's hop: plaintext in, HTTP/2 over mTLS out. */
export function envoyClientConfig(folder: string, ports: HopPorts): string {
  const tls = { ...type('extensions.transport_sockets.tls.v3.UpstreamTlsContext'), sni: 'bench' };
  const http2 = {
    ...type('extensions.upstreams.http.v3.HttpProtocolOptions'),
    explicit_http_config: { http2_protocol_options: {} },
  };
  return bootstrap(
    ports.client,
    {},
    {
      ...hosts(ports.server),
      typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': http2 },
      transport_socket: { name: 'tls', typed_config: { ...tls, common_tls_context: commonTls(folder) } },
    },
  );
}

/** The server's hop: mTLS in, plaintext out. */
export function envoyServerConfig(folder: string, ports: HopPorts): string {
  const tls = {
    ...type('extensions.transport_sockets.tls.v3.DownstreamTlsContext'),
    require_client_certificate: true,
    common_tls_context: commonTls(folder),
  };
  return bootstrap(ports.server, { transport_socket: { name: 'tls', typed_config: tls } }, hosts(ports.upstream));
}

/** Starts Envoy with a configuration and one worker, on one CPU. */
export function startEnvoy(folder: string, name: string, config: string, cpu: number): ChildProcess {
  const file = `${folder}/envoy-${name}.json`;
  writeFileSync(file, config);
  const flags = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];
  return spawn('taskset', ['-c', String(cpu), 'envoy', '-c', file, ...flags], { stdio: 'inherit' });
}
