import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeUrls } from '#xds';
import { http, router, staticCluster } from './data-plane-config.ts';
import { createTestCa, type FakeXds, type Pod, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const IP = `${NET}.1.1`;
const PORTS = { admission: 8081, concurrency: 8082, connections: 8083, shared: 8084 } as const;
type Name = keyof typeof PORTS;
const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.';
const LOCAL = 'envoy.filters.http.local_ratelimit';
const ALL = { default_value: { numerator: 100 } };

const ADMISSION = {
  name: 'admission',
  typed_config: {
    '@type': `${TYPE}admission_control.v3.AdmissionControl`,
    success_criteria: {},
    sr_threshold: { default_value: { value: 100 } },
    aggression: { default_value: 1_000_000_000 },
    max_rejection_probability: { default_value: { value: 100 } },
  },
};
const CONCURRENCY = {
  name: 'concurrency',
  typed_config: {
    '@type': `${TYPE}adaptive_concurrency.v3.AdaptiveConcurrency`,
    gradient_controller_config: {
      concurrency_limit_params: { concurrency_update_interval: '600s' },
      min_rtt_calc_params: { interval: '600s', min_concurrency: 1 },
    },
  },
};
const SLOW = {
  name: 'envoy.filters.http.fault',
  typed_config: {
    '@type': `${TYPE}fault.v3.HTTPFault`,
    delay: { fixed_delay: '600s', percentage: ALL.default_value },
    headers: [{ name: ':path', string_match: { exact: '/slow' } }],
  },
};
const limit = (max_tokens: number, more: object = {}): { '@type': string } => ({
  '@type': `${TYPE}local_ratelimit.v3.LocalRateLimit`,
  ...{ stat_prefix: 'limit', token_bucket: { max_tokens, fill_interval: '600s' } },
  ...{ filter_enabled: ALL, filter_enforced: ALL, enable_x_ratelimit_headers: 'DRAFT_VERSION_03', ...more },
});
const OF_CONNECTIONS = { local_rate_limit_per_downstream_connection: true };

const listener = (name: Name, filters: readonly object[], ofRoute: object = {}): object => ({
  name,
  address: { socket_address: { address: IP, port_value: PORTS[name] } },
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: name,
          http_filters: [...filters, router],
          route_config: {
            name,
            virtual_hosts: [
              {
                name: 'all',
                domains: ['*'],
                routes: [
                  { match: { path: '/bad' }, direct_response: { status: 500 } },
                  { match: { path: '/own' }, direct_response: { status: 200 }, typed_per_filter_config: ofRoute },
                  { match: { prefix: '/' }, direct_response: { status: 200 } },
                ],
              },
            ],
          },
        } as never),
      ],
    },
  ],
});

describe('filters that keep load away', () => {
  let pod: Pod;
  let feed: FakeXds;
  const begin = (name: Name, path: string, agent: Agent | false = false): ClientRequest =>
    request({ host: IP, port: PORTS[name], path, agent })
      .on('error', () => undefined)
      .end();
  const ask = async (name: Name, path: string, agent: Agent | false = false): Promise<IncomingMessage> => {
    const [answer] = (await once(begin(name, path, agent), 'response')) as [IncomingMessage];
    await answer.resume().toArray();
    return answer;
  };
  const figure = (name: string): number | undefined => pod.proxy.admin.stats().get(name);
  const told = (words: RegExp): Promise<unknown> =>
    until(() => pod.hops.some(({ steps }) => steps.some(({ detail = '' }) => words.test(detail))), String(words));

  beforeAll(async () => {
    pod = await startPod({ ip: IP, name: 'edge', role: 'router', signer: await createTestCa() }, (xds) => {
      feed = xds;
      xds.push(typeUrls.cluster, [staticCluster('none', [`${NET}.2.1:8080`])]);
      const own = { [LOCAL]: limit(5, OF_CONNECTIONS) };
      const refused = xds.push(typeUrls.listener, [
        listener('admission', [ADMISSION]),
        listener('concurrency', [CONCURRENCY, SLOW]),
        listener('connections', [{ name: LOCAL, typed_config: limit(2, OF_CONNECTIONS) }], own),
      ] as never);
      expect(refused).toEqual([]);
    });
  });
  afterAll(async () => {
    await pod?.stop();
  });

  it('admission control refuses what follows a failure, and the decision tells of the answers before', async () => {
    expect((await ask('admission', '/ok')).statusCode).toBe(200);
    expect((await ask('admission', '/bad')).statusCode).toBe(500);
    expect((await ask('admission', '/ok')).statusCode).toBe(503);
    await told(/^1 of 2 answers in the last 30 s were successes, 100 % should be: .* and this one was$/);
    expect(figure('http.admission.admission_control.rq_rejected')).toBe(1);
  });

  it('adaptive concurrency lets one request in while it measures, and the next when that one is gone', async () => {
    const first = begin('concurrency', '/slow');
    await until(() => figure('http.concurrency.fault.active_faults') === 1, 'the first request waits');
    expect((await ask('concurrency', '/')).statusCode).toBe(503);
    await told(/^1 requests are under way, 1 may be, as long as the least round trip is measured$/);
    first.destroy();
    await until(() => figure('http.concurrency.fault.active_faults') === 0, 'the first request is gone');
    expect((await ask('concurrency', '/')).statusCode).toBe(200);
    expect(figure('http.concurrency.adaptive_concurrency.gradient_controller.rq_blocked')).toBe(1);
  });

  it('the first limit that a connection meets by itself counts for all of its routes', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const answers = [
      await ask('connections', '/', agent),
      await ask('connections', '/own', agent),
      await ask('connections', '/own', agent),
    ];
    agent.destroy();
    expect(answers.map(({ headers, statusCode }) => [statusCode, headers['x-ratelimit-limit']])).toEqual([
      [200, '2'],
      [200, '2'],
      [429, '2'],
    ]);
    expect((await ask('connections', '/own')).headers['x-ratelimit-limit']).toBe('5');
  });

  it('a limit that is shared with a local cluster is refused where the bootstrap names none', () => {
    const sharing = limit(2, { local_cluster_rate_limit: {} });
    const why = /local_cluster_rate_limit is set but no local cluster name is present/;
    const ofFilter = feed.push(typeUrls.listener, [
      listener('shared', [{ name: LOCAL, typed_config: sharing }]),
    ] as never);
    expect(ofFilter).toMatchObject([{ name: 'shared', message: expect.stringMatching(why) }]);
    const ofRoute = feed.push(typeUrls.listener, [
      listener('shared', [{ name: LOCAL, typed_config: limit(2) }], { [LOCAL]: sharing }),
    ] as never);
    expect(ofRoute).toMatchObject([{ name: 'shared', message: expect.stringMatching(why) }]);
  });
});
