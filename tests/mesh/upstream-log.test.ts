import type { Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Listener, typeUrls } from '#xds';
import { http, router, staticCluster } from './data-plane-config.ts';
import { createTestCa, type FakeXds, listen, type Pod, sendFrom, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const IP = `${NET}.1.1`;
const PORT = 9000;
const FORMAT = 'TRY %ACCESS_LOG_TYPE% %RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_HOST% %BYTES_RECEIVED% %REQ(:PATH)%\n';

/** A listener whose router has these options besides a log of its own. */
const listener = (options: object = {}): Listener => ({
  name: 'tries',
  address: { socket_address: { address: IP, port_value: PORT } },
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: 'tries',
          http_filters: [
            {
              ...router,
              typed_config: {
                ...router.typed_config,
                upstream_log: [
                  {
                    name: 'envoy.access_loggers.file',
                    typed_config: {
                      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
                      path: '/dev/stdout',
                      log_format: { text_format_source: { inline_string: FORMAT } },
                    },
                  },
                ],
                ...options,
              },
            },
          ],
          route_config: {
            name: 'tries',
            virtual_hosts: [
              {
                name: 'all',
                domains: ['*'],
                routes: [
                  {
                    match: { prefix: '/old' },
                    route: {
                      cluster: 'app',
                      prefix_rewrite: '/new',
                      retry_policy: { retry_on: '5xx', num_retries: 1 },
                    },
                  },
                ],
              },
            ],
          },
        }),
      ],
    },
  ],
});

describe('the log of the router', () => {
  const servers: Server[] = [];
  let pod: Pod;
  let xds: FakeXds;
  let asked = 0;
  /** What the host waits for before it answers. */
  let held: Promise<void> | undefined;

  beforeAll(async () => {
    await listen(servers, `${NET}.2.1`, 8080, async (_request, response) => {
      await held;
      response.statusCode = asked++ % 2 === 0 ? 503 : 200;
      response.end('hello');
    });
    pod = await startPod({ ip: IP, name: 'tries', role: 'router', signer: await createTestCa() }, (given) => {
      xds = given;
      xds.push(typeUrls.cluster, [staticCluster('app', [`${NET}.2.1:8080`])]);
      xds.push(typeUrls.listener, [listener()]);
    });
  });
  afterAll(async () => {
    await pod?.stop();
    for (const server of servers) server.close();
  });

  it('has a line for each try, before that of the request', async () => {
    const before = pod.logs.length;
    await sendFrom(`${NET}.1.9`, { ip: IP, port: PORT }, { host: 'shop', path: '/old' });
    await until(() => pod.logs.length >= before + 3, 'three lines');
    const [first, second, whole] = pod.logs.slice(before).map((line) => line.trim());
    expect(first).toBe(`TRY UpstreamEnd 503 - ${NET}.2.1:8080 0 /new`);
    expect(second).toBe(`TRY UpstreamEnd 200 - ${NET}.2.1:8080 5 /new`);
    expect(whole).toContain('"GET /old HTTP/1.1" 200 - via_upstream');
  });

  it('has lines while a try goes on, where it is told how often', async () => {
    expect(
      xds.push(typeUrls.listener, [listener({ upstream_log_options: { upstream_log_flush_interval: '0.05s' } })]),
    ).toEqual([]);
    const { promise, resolve: letGo } = Promise.withResolvers<void>();
    held = promise;
    const lines = () => pod.logs.slice(before).filter((line) => line.startsWith('TRY'));
    const before = pod.logs.length;
    const answer = sendFrom(`${NET}.1.9`, { ip: IP, port: PORT }, { host: 'shop', path: '/old' });
    await until(() => lines().length >= 2, 'two lines');
    expect(new Set(lines().map((line) => line.trim()))).toEqual(
      new Set([`TRY UpstreamPeriodic 0 - ${NET}.2.1:8080 0 /new`]),
    );
    letGo();
    await answer;
    await until(() => lines().filter((line) => line.includes('UpstreamEnd')).length === 2, 'the ends of both tries');
  });

  it('refuses options of the router that are not here, by their names', () => {
    const refusedOf = (options: object): string => xds.push(typeUrls.listener, [listener(options)])[0]?.message ?? '';
    expect(refusedOf({ upstream_http_filters: [router] })).toContain('upstream_http_filters');
    expect(refusedOf({ strict_check_headers: ['x-mine'] })).toContain(
      'strict_check_headers[0]: value must be in list [x-envoy-upstream-rq-timeout-ms',
    );
  });
});
