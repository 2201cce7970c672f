import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { leaseSubnet, type SubnetLease } from '#sandbox/subnets';
import { extensionTypes, type FilterChain, type Listener, typeUrls } from '#xds';
import { createTestCa, type Pod, startPod, until } from './data-plane-harness.ts';

const NETWORK = 'type.googleapis.com/envoy.extensions.filters.network.';
const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

type Filter = FilterChain['filters'][number];

const guard = (name: string, type: string, config: object): Filter => ({
  name: `envoy.filters.network.${name}`,
  typed_config: { '@type': `${NETWORK}${type}`, ...config },
});

const http = (name: string): Filter => ({
  name: 'envoy.filters.network.http_connection_manager',
  typed_config: {
    '@type': extensionTypes.httpConnectionManager,
    stat_prefix: name,
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': extensionTypes.router } }],
    route_config: {
      name: 'local',
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'served' } } }],
        },
      ],
    },
  },
});

const says = (text: string): Filter =>
  guard('direct_response', 'direct_response.v3.Config', { response: { inline_string: text } });

const everybody = { permissions: [{ any: true }], principals: [{ any: true }] };

/** Listeners by their ports: what stands in front, and what takes the connection. */
const LISTENERS: Readonly<Record<number, Partial<Listener>>> = {
  7001: {
    filter_chains: [
      {
        filters: [
          guard('connection_limit', 'connection_limit.v3.ConnectionLimit', {
            stat_prefix: 'few',
            max_connections: '1',
          }),
          http('limited'),
        ],
      },
    ],
  },
  7002: {
    filter_chains: [
      {
        filters: [
          guard('local_ratelimit', 'local_ratelimit.v3.LocalRateLimit', {
            stat_prefix: 'slow',
            token_bucket: { max_tokens: 1, fill_interval: '3600s' },
          }),
          says('welcome'),
        ],
      },
    ],
  },
  7003: {
    filter_chains: [
      {
        filters: [
          guard('rbac', 'rbac.v3.RBAC', {
            stat_prefix: 'strict.',
            rules: { action: 'DENY', policies: { nobody: everybody } },
          }),
          http('guarded'),
        ],
      },
    ],
  },
  7004: {
    listener_filters: [
      {
        name: 'envoy.filters.listener.tls_inspector',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
        },
      },
    ],
    listener_filters_timeout: '0.05s',
    filter_chains: [{ filters: [says('welcome')] }],
  },
  7005: {
    filter_chains: [
      { name: 'near', filter_chain_match: { source_type: 'SAME_IP_OR_LOOPBACK' }, filters: [says('near')] },
      {
        name: 'known',
        filter_chain_match: { source_prefix_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
        filters: [says('known')],
      },
    ],
  },
};

describe('what stands before the filter that takes a connection', () => {
  let lease: SubnetLease;
  let pod: Pod;
  let few: Pod | undefined;
  let ip: string;
  beforeAll(async () => {
    lease = await leaseSubnet(seededRandom(`connection-guards/${process.pid}`));
    ip = `127.${lease.subnet}.1.1`;
    pod = await startPod({ ip, name: 'guarded', role: 'router', signer: await createTestCa() }, (xds) => {
      xds.push(typeUrls.cluster, []);
      const listeners = Object.entries(LISTENERS).map(([port, fields]) => ({
        name: port,
        address: { socket_address: { address: ip, port_value: Number(port) } },
        ...fields,
      }));
      expect(xds.push(typeUrls.listener, listeners)).toEqual([]);
    });
  });
  afterAll(async () => {
    await pod?.stop();
    await few?.stop();
    await lease?.release();
  });

  const stat = (name: string): number | undefined => pod.proxy.admin.stats().get(name);

  async function open(port: number, localAddress = ip): Promise<Socket> {
    const socket = connect({ host: ip, port, localAddress });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  /** All that comes back until the proxy closes the connection. */
  async function heard(port: number, text: string, from = ip): Promise<string> {
    const socket = await open(port, from);
    let seen = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      seen += chunk;
    });
    socket.write(text);
    await once(socket, 'close');
    return seen;
  }

  it('a second connection is closed while the first is open, and let in once that is over', async () => {
    const first = await open(7001);
    await until(() => stat('connection_limit.few.active_connections') === 1, 'the first connection is counted');
    expect(await heard(7001, '')).toBe('');
    expect(stat('connection_limit.few.limited_connections')).toBe(1);
    first.write(REQUEST);
    const [answer] = (await once(first, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*served$/);
    first.destroy();
    await until(() => stat('connection_limit.few.active_connections') === 0, 'both connections are gone');
    expect(await heard(7001, REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))).toMatch(/ 200 OK/);
    const refused = pod.hops.find(({ response }) => response.details === 'envoy.filters.network.connection_limit');
    expect(refused?.steps.at(-1)).toMatchObject({
      stage: 'filter_chain',
      outcome: 'stopped',
      name: 'envoy.filters.network.connection_limit',
      detail: '1 connections of this filter chain are open, 1 may be',
    });
  });

  it('a connection without a token is closed', async () => {
    expect(await heard(7002, '')).toBe('welcome');
    expect(await heard(7002, '')).toBe('');
    expect(stat('local_rate_limit.slow.rate_limited')).toBe(1);
  });

  it('HTTP is judged at its first bytes, and a client that is denied hears nothing', async () => {
    const silent = await open(7003);
    expect(await heard(7003, REQUEST)).toBe('');
    expect(silent.destroyed).toBe(false);
    silent.destroy();
    expect(stat('strict.rbac.denied')).toBe(1);
    await until(() => stat('http.guarded.downstream_cx_active') === 0, 'nothing is left over');
    expect(stat('http.guarded.downstream_cx_total')).toBe(2);
    expect(stat('http.guarded.downstream_rq_total')).toBe(0);
  });

  it('a client that says nothing is closed when the listener filters have waited for long enough', async () => {
    expect(await heard(7004, '')).toBe('');
    expect(stat(`listener.${ip}_7004.downstream_pre_cx_timeout`)).toBe(1);
    expect(stat(`listener.${ip}_7004.downstream_cx_total`) ?? 0).toBe(0);
    expect(await heard(7004, 'hello')).toBe('welcome');
  });

  it('chains are told apart by where their clients are', async () => {
    expect(await heard(7005, '')).toBe('near');
    expect(await heard(7005, '', `127.${lease.subnet}.1.9`)).toBe('known');
  });

  it('one connection more than the bootstrap allows is closed, whatever listener it is for, and counted nowhere else', async () => {
    const at = `127.${lease.subnet}.1.7`;
    const signer = await createTestCa();
    few = await startPod({ ip: at, name: 'few', role: 'router', signer, bootstrap: { maxConnections: 2 } }, (xds) => {
      xds.push(typeUrls.cluster, []);
      const listeners = [7001, 7002].map((port) => ({
        name: `few-${port}`,
        address: { socket_address: { address: at, port_value: port } },
        filter_chains: [{ filters: [http(`few-${port}`)] }],
      }));
      expect(xds.push(typeUrls.listener, listeners)).toEqual([]);
    });
    const figure = (name: string): number => few?.proxy.admin.stats().get(`listener.${at}_${name}`) ?? 0;
    const dial = async (port: number): Promise<Socket> => {
      const socket = connect({ host: at, port, localAddress: at });
      await once(socket, 'connect');
      return socket;
    };
    const served = async (socket: Socket): Promise<string> => {
      const answer = once(socket, 'data').then(([bytes]) => String(bytes));
      socket.write(REQUEST);
      return answer;
    };
    const [one, two] = [await dial(7001), await dial(7002)];
    expect(await served(one)).toMatch(/ 200 OK/);
    expect(await served(two)).toMatch(/ 200 OK/);
    const third = await dial(7002);
    await once(third.resume(), 'close');
    expect(['7001.downstream_global_cx_overflow', '7002.downstream_global_cx_overflow'].map(figure)).toEqual([0, 1]);
    expect(figure('7002.downstream_cx_total')).toBe(1);
    one.destroy();
    await until(() => figure('7001.downstream_cx_active') === 0, 'the first connection is gone');
    expect(await served(await dial(7002))).toMatch(/ 200 OK/);
  });
});
