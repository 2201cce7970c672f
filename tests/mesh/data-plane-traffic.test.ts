import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HopRecord } from '#domain';
import { typeUrls } from '#xds';
import { forwardTo, outboundListener, routes, virtualOutbound } from './data-plane-config.ts';
import {
  type Answer,
  createTestCa,
  type FetchOptions,
  listen,
  type Pod,
  startPod,
  until,
} from './data-plane-harness.ts';

import { assignments, clusters, shopRoutes, V1, V2, VIP } from './data-plane-shop.ts';
import { NET } from './own-network.ts';

/** More than the buffers of all sockets on the way hold. */
const LARGE = 24 * 1024 * 1024;

describe('a sidecar routing its application to a service', () => {
  const servers: Server[] = [];
  const seen: { version: string; path: string; headers: Record<string, unknown>; body: string }[] = [];
  let pod: Pod;
  let flaky = 0;

  const call = (path: string, options: FetchOptions = {}): Promise<Answer> =>
    pod.fetch(VIP, { host: 'shop', path, ...options });
  /** The hop of the newest request with this path. */
  const hopOf = async (path: string): Promise<HopRecord> => {
    const find = (): HopRecord | undefined =>
      pod.hops.findLast((hop) => hop.request.path === path && hop.parentSpanId === undefined);
    await until(() => find() !== undefined, `a hop for ${path}`);
    return find()!;
  };

  beforeAll(async () => {
    for (const [version, ip] of [
      ['v1', `${NET}.2.1`],
      ['v2', `${NET}.2.2`],
    ] as const) {
      await listen(servers, ip, 8080, (request, response) => {
        let body = '';
        request.on('data', (chunk) => (body += chunk));
        request.on('end', () => {
          const path = request.url ?? '';
          seen.push({ version, path, headers: request.headers, body });
          // Never answered: the proxy gives these up.
          if (path.endsWith('/hint'))
            response.writeEarlyHints({ link: '</a>' }, () => setTimeout(() => response.end(version), 80));
          if (path.startsWith('/slow') || path.startsWith('/try')) return;
          if (path.startsWith('/flaky') && ++flaky % 3 !== 0) response.statusCode = 503;
          response.end(path.endsWith('/large') ? Buffer.alloc(LARGE) : version);
        });
      });
    }
    const rude = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    rude.listen(8080, `${NET}.2.4`);
    servers.push(rude as unknown as Server);
    pod = await startPod({ ip: `${NET}.1.1`, name: 'client-v1', signer: await createTestCa() }, (xds) => {
      xds.push(typeUrls.cluster, clusters);
      xds.push(typeUrls.endpoint, assignments);
      xds.push(typeUrls.listener, [virtualOutbound, outboundListener(80)]);
      xds.push(typeUrls.route, [routes(80, ['shop', 'shop:80'], shopRoutes)]);
    });
  });

  afterAll(async () => {
    await pod?.stop();
    for (const server of servers) {
      if ('closeAllConnections' in server) server.closeAllConnections();
      server.close();
    }
  });

  it('splits 90 to 10 by weight, and the recorded draw explains each choice', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => call(`/split?${i}`)));
    const second = answers.filter(({ body }) => body === 'v2').length;
    expect(second).toBeGreaterThan(2);
    expect(second).toBeLessThan(22);
    for (const { steps, cluster } of pod.hops.filter((hop) => hop.request.path.startsWith('/split'))) {
      const weight = steps.find((step) => step.stage === 'weight');
      expect(weight?.name).toBe(cluster);
      expect(Number(weight?.evidence?.['draw']) < 90 ? V1 : V2).toBe(cluster);
    }
  });

  it('passes over a route whose header condition fails and says why', async () => {
    expect((await call('/jason', { headers: { 'end-user': 'jason' } })).body).toBe('v2');
    const refused = await call('/jason', { headers: { 'end-user': 'anna' } });
    expect(refused.status).toBe(404);
    const hop = await hopOf('/jason');
    expect(hop.response.flags).toEqual(['NR']);
    const reasons = hop.steps.find((step) => step.stage === 'route')?.rejected ?? [];
    expect(reasons.find(({ name }) => name === '/jason')?.reason).toBe(
      'needs header end-user to be exactly "jason", the request has "anna"',
    );
  });

  it.each([
    ['/empty', 503, 'UH', 'no_healthy_upstream', 'no healthy upstream'],
    ['/unknown', 503, 'NC', 'cluster_not_found', ''],
    ['/nowhere', 404, 'NR', 'route_not_found', ''],
    [
      '/rude',
      503,
      'UC',
      'upstream_reset_before_response_started{connection_termination}',
      'upstream connect error or disconnect/reset before headers. reset reason: connection termination',
    ],
    [
      '/dead',
      503,
      'UF',
      'upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}',
      'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure',
    ],
  ])('answers %s with %i %s as Envoy does', async (path, status, flag, details, body) => {
    const answer = await call(path);
    expect([answer.status, answer.body]).toEqual([status, body]);
    const hop = await hopOf(path);
    expect(hop.response).toMatchObject({ status, flags: [flag], details });
  });

  it('answers UO at once when the connection pool is full', async () => {
    const answers = await Promise.all([call('/tight?a'), call('/tight?b')]);
    const refused = answers.find(({ status }) => status === 503);
    expect(refused?.headers['x-envoy-overloaded']).toBe('true');
    expect(refused?.body).toContain('reset reason: overflow');
  });

  it('records a client that leaves before its answer', async () => {
    const socket = pod.dial(VIP);
    socket.on('error', () => undefined);
    socket.write('POST /split/left HTTP/1.1\r\nhost: shop\r\ncontent-length: 10\r\n\r\nhalf');
    const isActive = ([name, value]: [string, number]): boolean =>
      name.endsWith('.downstream_rq_active') && value === 1;
    await until(() => [...pod.proxy.admin.stats()].some(isActive), 'the request is under way');
    socket.destroy();
    const { response } = await hopOf('/split/left');
    expect(response).toMatchObject({ status: 0, flags: ['DC'], details: 'downstream_remote_disconnect' });
  });

  it('stops reading a host while its client takes nothing of a large answer, and counts that', async () => {
    const socket = pod.dial(VIP);
    socket.pause();
    socket.write('GET /split/large HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n');
    const times = (what: string): number =>
      [V1, V2]
        .map((name) => pod.proxy.admin.stats().get(`cluster.${name}.upstream_flow_control_${what}_reading_total`) ?? 0)
        .reduce((one, other) => one + other);
    await until(() => times('paused') === 1, 'the host to be paused');
    expect(times('resumed')).toBe(0);
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => (bytes += chunk.length)).resume();
    await once(socket, 'end');
    expect(bytes).toBeGreaterThan(LARGE);
    expect(times('resumed')).toBe(times('paused'));
  });

  it('gives up with 504 UT when the route timeout runs out', async () => {
    const answer = await call('/slow');
    expect([answer.status, answer.body]).toEqual([504, 'upstream request timeout']);
    const hop = await hopOf('/slow');
    expect(hop.response).toMatchObject({ flags: ['UT'], details: 'response_timeout' });
    expect(seen.findLast(({ path }) => path === '/slow')?.headers['x-envoy-expected-rq-timeout-ms']).toBe('50');
  });

  it('tries again after a per-try timeout until the tries are used up', async () => {
    expect((await call('/try')).status).toBe(504);
    const hop = await hopOf('/try');
    expect(hop.attempts).toBe(3);
    expect(hop.response).toMatchObject({ flags: ['URX', 'UT'], details: 'upstream_per_try_timeout' });
  });

  it('retries a 503 with the same body until it is answered 200', async () => {
    const answer = await call('/flaky', { method: 'POST', body: 'order 7' });
    expect([answer.status, answer.body]).toEqual([200, 'v1']);
    const tries = seen.filter(({ path }) => path === '/flaky');
    expect(tries.map(({ body, headers }) => [body, headers['x-envoy-attempt-count']])).toEqual([
      ['order 7', '1'],
      ['order 7', '2'],
      ['order 7', '3'],
    ]);
    const stats = pod.proxy.admin.stats();
    expect(stats.get(`cluster.${V1}.upstream_rq_retry_success`)).toBe(1);
  });

  it('takes another host after a refused connection', async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => call('/pair')));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it('delays, then passes the request on', async () => {
    const began = performance.now();
    expect((await call('/delay')).status).toBe(200);
    expect(performance.now() - began).toBeGreaterThanOrEqual(79);
    expect((await hopOf('/delay')).response.flags).toEqual(['DI']);
  });

  it('aborts without sending anything upstream', async () => {
    const answer = await call('/abort');
    expect([answer.status, answer.body]).toEqual([418, 'fault filter abort']);
    const hop = await hopOf('/abort');
    expect([hop.response.flags, hop.response.details, hop.attempts]).toEqual([['FI'], 'fault_filter_abort', 0]);
    expect(seen.some(({ path }) => path === '/abort')).toBe(false);
  });

  it('redirects, answers directly, rewrites', async () => {
    const moved = await call('/old?x=1');
    expect([moved.status, moved.headers['location']]).toEqual([302, 'http://shop/new?x=1']);
    expect((await call('/hello')).body).toBe('hi');
    await call('/api/items?x=1');
    const rewritten = seen.at(-1);
    expect(rewritten?.path).toBe('/v1/items?x=1');
    expect(rewritten?.headers['x-envoy-original-path']).toBe('/api/items?x=1');
  });

  it('sends a copy to the mirror and throws its answer away', async () => {
    expect((await call('/mirror', { method: 'POST', body: 'copy me' })).body).toBe('v1');
    await until(
      () => seen.some(({ path, version, body }) => path === '/mirror' && version === 'v2' && body === 'copy me'),
      'the mirror is reached',
    );
    await until(
      () => pod.hops.some((hop) => hop.cluster === V2 && hop.request.path === '/mirror'),
      'the mirror is recorded',
    );
  });

  it('resolves dot segments before it matches, and fills format strings', async () => {
    await call('/api/../echo');
    expect(seen.at(-1)?.path).toBe('/echo');
    expect(seen.at(-1)?.headers['x-path']).toBe('/echo');
  });

  it('leaves the time of the whole request to a host that has said a word before its answer', async () => {
    expect((await call('/try/hint')).status).toBe(200);
    expect((await hopOf('/try/hint')).attempts).toBe(1);
  });

  it('gives a gRPC call less time than its client, where that leaves any', async () => {
    for (const [given, told] of [
      ['1500m', '1000m'],
      ['400m', '400m'],
    ] as const) {
      await call('/grpc', { method: 'POST', headers: { 'content-type': 'application/grpc', 'grpc-timeout': given } });
      expect(seen.at(-1)?.headers['grpc-timeout']).toBe(told);
    }
  });

  it('refuses a request that a route gives a header no message can have', async () => {
    const before = seen.length;
    const answer = await call('/misnamed');
    expect([answer.status, answer.body, seen.length]).toEqual([503, 'invalid header name: x y', before]);
    const { response } = await hopOf('/misnamed');
    expect([response?.flags, response?.details]).toEqual([
      ['DPE'],
      'filter_removed_required_request_headers{invalid_header_name:_x_y}',
    ]);
  });

  it('leaves HTTP for no upgrade that only a route writes, and leaves its host to be judged by the next hop', async () => {
    expect((await call('/upgrade')).body).toBe('v1');
    const headers = seen.at(-1)?.headers;
    expect([headers?.upgrade, headers?.host]).toEqual([undefined, 'a b']);
  });

  it('keeps the last good routes when an update is rejected', async () => {
    const bad = routes(80, ['shop'], [{ ...forwardTo(V1), match: { safe_regex: { regex: '(' } } }]);
    const [rejection] = pod.xds.push(typeUrls.route, [bad]);
    expect(rejection?.name).toBe('80');
    expect(rejection?.message).toContain('virtual_hosts[0].routes[0].match.safe_regex.regex: invalid regex "("');
    expect((await call('/hello')).body).toBe('hi');
  });

  it('refuses resources that it cannot serve, by field and reason', () => {
    const [cluster] = pod.xds.push(typeUrls.cluster, [{ name: 'dns', type: 'LOGICAL_DNS' }]);
    expect(cluster?.message).toContain('LOGICAL_DNS clusters must have a single locality_lb_endpoint');
    const listener = outboundListener(81);
    const hcm = listener.filter_chains![0]!.filters[0]!.typed_config as { http_filters?: object[] };
    hcm.http_filters = [{ name: 'envoy.filters.http.lua' }, ...(hcm.http_filters ?? [])];
    const [rejected] = pod.xds.push(typeUrls.listener, [listener]);
    const reason = "Didn't find a registered implementation for 'envoy.filters.http.lua'";
    expect(rejected?.message).toContain(reason);
    // Its log and its config dump tell the same.
    expect(pod.logs.at(-1)).toMatch(
      /\twarning\tenvoy config\tdelta config for .*Listener rejected: Error adding\/updating/,
    );
    expect(pod.logs.at(-1)).toContain(`${listener.name}: `);
    expect(pod.logs.at(-1)).toContain(reason);
    const { configs } = pod.proxy.admin.configDump() as { configs: { dynamic_listeners?: { name: string }[] }[] };
    const states = configs.flatMap(({ dynamic_listeners: all = [] }) => all);
    expect(states.find(({ name }) => name === listener.name)).toMatchObject({
      error_state: { details: rejected?.message, failed_configuration: { name: listener.name } },
    });
  });

  it('changes routes under load without losing a request', async () => {
    let done = false;
    const load = async (): Promise<number> => {
      let lost = 0;
      while (!done) if ((await call('/hello')).status !== 200) lost++;
      return lost;
    };
    const workers = Promise.all(Array.from({ length: 4 }, load));
    for (let i = 0; i < 20; i++) {
      pod.xds.push(typeUrls.route, [routes(80, ['shop', 'shop:80'], shopRoutes.slice(i % 2))]);
      pod.xds.push(typeUrls.listener, [virtualOutbound, outboundListener(80)]);
      pod.xds.push(typeUrls.cluster, clusters);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    done = true;
    expect(await workers).toEqual([0, 0, 0, 0]);
    pod.xds.push(typeUrls.route, [routes(80, ['shop', 'shop:80'], shopRoutes)]);
  });

  it('lets a client end its side of a TCP connection and still hear the answer', async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let heard = '';
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString();
      });
      socket.on('end', () => socket.end(`heard ${heard}`));
    });
    await new Promise<void>((resolve) => server.listen(7070, `${NET}.2.4`, resolve));
    const socket = pod.dial({ ip: `${NET}.2.4`, port: 7070 });
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    socket.end('all of it');
    await once(socket, 'close');
    server.close();
    expect(answer).toBe('heard all of it');
  });

  it('passes unknown destinations through and closes connections to its own port', async () => {
    const answer = await pod.fetch({ ip: `${NET}.2.2`, port: 8080 }, { path: '/direct' });
    expect(answer.body).toBe('v2');
    await until(() => pod.logs.some((line) => line.includes('PassthroughCluster')), 'the access log names the cluster');
    await expect(pod.fetch({ ip: `${NET}.1.1`, port: 15001 })).rejects.toThrow();
  });
});
