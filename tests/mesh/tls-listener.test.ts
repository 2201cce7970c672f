import { once } from 'node:events';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { leaseSubnet, type SubnetLease } from '#sandbox/subnets';
import { extensionTypes, type Listener, typeUrls } from '#xds';
import { createKeyAndRequest } from '../../server/data-plane/agent/csr.ts';
import { createTestCa, type Pod, startPod, until } from './data-plane-harness.ts';

const PORT = 8443;
/** A load balancer's header is taken off before TLS is looked for, or after that. */
const EARLY_PORT = 8444;
const LATE_PORT = 8445;

const accessLog = (level: string) => [
  {
    name: 'envoy.access_loggers.file',
    typed_config: {
      '@type': extensionTypes.fileAccessLog,
      path: '/dev/stdout',
      log_format: {
        text_format_source: {
          inline_string: `${level} %RESPONSE_CODE% %RESPONSE_FLAGS% %PROTOCOL% %RESPONSE_CODE_DETAILS% %DOWNSTREAM_TRANSPORT_FAILURE_REASON%\n`,
        },
      },
    },
  },
];

/** What a client of TLS says first. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        resolve(chunk);
        done();
      },
    });
    connectTls({ socket: wire, rejectUnauthorized: false }).on('error', () => undefined);
  });
}

/** Ends TLS and answers by itself; nothing looks at the first bytes before. */
const listener = (ip: string, chainPem: string, keyPem: string): Listener => ({
  name: 'secured',
  address: { socket_address: { address: ip, port_value: PORT } },
  access_log: accessLog('connection'),
  filter_chains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typed_config: {
            '@type': extensionTypes.httpConnectionManager,
            stat_prefix: 'secured',
            access_log: accessLog('request'),
            request_headers_timeout: '0.2s',
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

const listenerFilter = (name: string, message: string, config: object = {}) => ({
  name: `envoy.filters.listener.${name}`,
  typed_config: { '@type': `type.googleapis.com/envoy.extensions.filters.listener.${name}.v3.${message}`, ...config },
});

const INSPECTOR = listenerFilter('tls_inspector', 'TlsInspector');
const LOAD_BALANCER = listenerFilter('proxy_protocol', 'ProxyProtocol', {
  allow_requests_without_proxy_protocol: true,
});

/** The same at another port, for clients that ask for `a.example` by TLS, behind a load balancer that tells who they are. */
const behind = ({ address: _own, filter_chains = [], ...rest }: Listener, ip: string, port: number): Listener => ({
  ...rest,
  name: `behind-${port}`,
  address: { socket_address: { address: ip, port_value: port } },
  listener_filters: port === LATE_PORT ? [INSPECTOR, LOAD_BALANCER] : [LOAD_BALANCER, INSPECTOR],
  filter_chains: filter_chains.map((chain) => ({ ...chain, filter_chain_match: { server_names: ['a.example'] } })),
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
      const own = listener(ip, chainPem.join('\n'), keyPem);
      xds.push(typeUrls.listener, [own, behind(own, ip, EARLY_PORT), behind(own, ip, LATE_PORT)]);
    });
  });
  afterAll(async () => {
    await pod?.stop();
    await lease?.release();
  });

  const figures = (): Record<string, number> => {
    const all = pod.proxy.admin.stats();
    const named = ['total', 'active', 'destroy', 'destroy_remote', 'ssl_total', 'destroy_remote_active_rq'];
    return Object.fromEntries(named.map((name) => [name, all.get(`http.secured.downstream_cx_${name}`) ?? 0]));
  };
  const changed = (before: Record<string, number>): Record<string, number> =>
    Object.fromEntries(
      Object.entries(figures()).flatMap(([name, value]) => {
        const change = value - (before[name] ?? 0);
        return change === 0 ? [] : [[name, change]];
      }),
    );

  it.each([
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [['unheard'], false],
  ] as const)('agrees with a client that offers %j on %s', async (offered, agreed) => {
    const before = figures();
    const socket = connectTls({ host: ip, port: PORT, ALPNProtocols: [...offered], rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe(agreed);
    socket.destroy();
    await until(() => changed(before)['destroy'] === 1, 'the end of the connection');
  });

  it.each([
    ['breaks off in the middle', clientHello, ''],
    [
      'speaks plaintext',
      () => 'GET / HTTP/1.1\r\n\r\n',
      ' TLS_error:|268435612:SSL_routines:OPENSSL_internal:HTTP_REQUEST:TLS_error_end',
    ],
  ])('counts and logs a connection whose client %s, at once', async (_what, first, reason) => {
    const [before, lines] = [figures(), pod.logs.length];
    const socket = connect({ host: ip, port: PORT, allowHalfOpen: false }).on('error', () => undefined);
    socket.write(await first());
    await Promise.race([once(socket, 'data'), once(socket, 'close')]);
    socket.end();
    await until(() => changed(before)['destroy'] === 1, 'the end of the connection');
    expect(changed(before)).toEqual({ total: 1, destroy: 1, destroy_remote: 1, ssl_total: 1 });
    await until(() => pod.logs.slice(lines).some((line) => line.startsWith('connection')), 'the line of its listener');
    const own = pod.logs.slice(lines).filter((line) => /^(connection|request) /.test(line));
    expect(own).toEqual([`connection 0 - - -${reason || ' -'}`]);
  });

  it.each([
    [
      'a first line that is no HTTP',
      'garbage\r\n\r\n',
      ['connection 0 DPE - - -', 'request 400 DPE HTTP/1.1 http1.codec_error -'],
    ],
    [
      'a head that does not end',
      'GET / HTTP/1.1\r\nHo',
      ['connection 0 - HTTP/1.1 - -', 'request 408 - HTTP/1.1 request_header_timeout -'],
    ],
  ])('tells in both logs of %s', async (_what, bytes, expected) => {
    const lines = pod.logs.length;
    const socket = connectTls({ host: ip, port: PORT, ALPNProtocols: ['http/1.1'], rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    socket.write(bytes);
    await once(socket, 'data');
    socket.end();
    await until(() => pod.logs.slice(lines).some((line) => line.startsWith('connection')), 'the line of its listener');
    expect(
      pod.logs
        .slice(lines)
        .filter((line) => /^(connection|request) /.test(line))
        .sort(),
    ).toEqual(expected);
  });

  it('counts a request that its client leaves in the middle of its head', async () => {
    const before = figures();
    const socket = connectTls({ host: ip, port: PORT, ALPNProtocols: ['http/1.1'], rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    socket.end('GET / HTTP/1.1\r\nHo');
    await until(() => changed(before)['destroy'] === 1, 'the end of the connection');
    expect(changed(before)).toMatchObject({ destroy_remote: 1, destroy_remote_active_rq: 1 });
  });

  it('does not renegotiate', async () => {
    const socket = connectTls({ host: ip, port: PORT, maxVersion: 'TLSv1.2', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const errors: string[] = [];
    socket.on('error', (error) => errors.push(error.message));
    socket.renegotiate({}, () => undefined);
    await until(() => errors.length > 0, 'a refusal');
    socket.destroy();
    expect(errors[0]).toMatch(/no.renegotiation/i);
  });

  it.each([
    ['is seen behind a load balancer’s header', EARLY_PORT, 'PROXY TCP4 1.2.3.4 5.6.7.8 1234 443\r\n', 'secured'],
    [
      'is not seen where its inspector stands before the header',
      LATE_PORT,
      'PROXY TCP4 1.2.3.4 5.6.7.8 1234 443\r\n',
      'reset',
    ],
    ['is seen by such an inspector where there is no header', LATE_PORT, '', 'secured'],
  ])('TLS %s', async (_what, port, header, expected) => {
    const socket = connect({ host: ip, port });
    socket.on('error', () => undefined);
    socket.write(header);
    const secured = connectTls({ socket, servername: 'a.example', rejectUnauthorized: false });
    secured.on('error', () => undefined);
    const outcome = new Promise((resolve) => {
      secured.once('secureConnect', () => resolve('secured'));
      socket.once('close', () => resolve('reset'));
    });
    expect(await outcome).toBe(expected);
    secured.destroy();
  });
});
