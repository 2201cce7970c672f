import { describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Cluster, RetryPolicy } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';
import { compileRouteTable } from '../../../server/data-plane/config/route-table.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { RetryState, type RetryVerdict } from '../../../server/data-plane/http/router/retry-state.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { UpstreamCluster } from '../../../server/data-plane/upstream/cluster.ts';
import { createFakeClock } from './fake-clock.ts';

const policyOf = (retry_policy: RetryPolicy) => {
  const route = { match: { prefix: '/' }, route: { cluster: 'a', retry_policy } };
  const table = compileRouteTable({ name: 'r', virtual_hosts: [{ name: 'h', domains: ['*'], routes: [route] }] }, 'v');
  const { target } = table.virtualHosts[0]!.routes[0]!;
  return target.kind === 'forward' ? target.retry : undefined;
};

const clusterOf = (fields: Partial<Cluster> = {}): UpstreamCluster =>
  new UpstreamCluster({
    config: compileCluster({ name: 'a', type: 'STATIC', ...fields }, 'v'),
    clock: createFakeClock(),
    random: seededRandom(1),
    stats: new Stats(),
    createPool: () => {
      throw new Error('nothing is sent');
    },
    createProbe: () => {
      throw new Error('nothing is checked');
    },
    resolve: () => Promise.reject(new Error('nothing is resolved')),
    onLog: () => undefined,
  });

const clock = createFakeClock();
const retry = (policy: RetryPolicy | undefined, headers = new Headers(), cluster = clusterOf()) =>
  RetryState.of({
    policy: policy && policyOf(policy),
    head: { method: 'GET', path: '/', authority: 'a', scheme: 'http', protocol: 'HTTP/1.1', headers },
    cluster,
    breakers: cluster.breakers.DEFAULT,
    clock,
    jitter: seededRandom(2),
  });

const answer = (status: number, headers: Record<string, string> = {}) => ({ status, headers: Headers.of(headers) });
const cause = (verdict: RetryVerdict | undefined): string | undefined =>
  verdict?.again ? verdict.cause : verdict?.why;

describe('a retry decision', () => {
  it.each<[string, number, Record<string, string>, string]>([
    ['5xx', 500, {}, '5xx'],
    ['5xx', 404, {}, 'not_retriable'],
    ['gateway-error', 503, {}, 'gateway-error'],
    ['gateway-error', 500, {}, 'not_retriable'],
    ['retriable-4xx', 409, {}, 'retriable-4xx'],
    ['retriable-status-codes', 418, {}, 'retriable-status-codes'],
    ['connect-failure,refused-stream,unavailable', 503, {}, 'not_retriable'],
    ['unavailable', 200, { 'grpc-status': '14' }, 'unavailable'],
    ['5xx', 503, { 'x-envoy-overloaded': 'true' }, '5xx'],
    ['5xx', 503, { 'x-envoy-ratelimited': 'true' }, 'not_retriable'],
    ['envoy-ratelimited', 429, { 'x-envoy-ratelimited': 'true' }, 'envoy-ratelimited'],
  ])('on %s after an answer %i with %j is %s', (retry_on, status, headers, wanted) => {
    const state = retry({ retry_on, num_retries: 1, retriable_status_codes: [418] });
    expect(cause(state?.afterResponse(answer(status, headers)))).toBe(wanted);
  });

  it('counts headers of answers that the client names, and tells the host nothing of it', () => {
    const wishes = { 'x-envoy-retry-on': 'retriable-headers', 'x-envoy-retriable-header-names': 'x-none, X-Again' };
    const headers = Headers.of(wishes);
    const state = retry(undefined, headers);
    expect(headers.flat).toEqual([]);
    expect(cause(state?.afterResponse(answer(200, { 'x-again': '1' })))).toBe('retriable-headers');
    expect(cause(state?.afterResponse(answer(200, { 'x-other': '1' })))).toBe('not_retriable');
  });

  it.each<[string, Parameters<RetryState['afterReset']>, string]>([
    ['5xx', ['connection_termination', true], '5xx'],
    ['gateway-error', ['remote_connection_failure', false], 'gateway-error'],
    ['connect-failure', ['remote_connection_failure', false], 'connect-failure'],
    ['connect-failure', ['connection_termination', true], 'not_retriable'],
    ['reset-before-request', ['connection_termination', false], 'reset-before-request'],
    ['reset-before-request', ['connection_termination', true], 'not_retriable'],
    ['5xx,reset,connect-failure', ['overflow', false], 'not_retriable'],
  ])('on %s after a reset %j is %s', (retry_on, [reason, started], wanted) => {
    expect(cause(retry({ retry_on, num_retries: 1 })?.afterReset(reason, started))).toBe(wanted);
  });

  it('says no after the last of its retries', () => {
    const state = retry({ retry_on: '5xx', num_retries: 2 });
    const verdicts = [1, 2, 3].map(() => cause(state?.afterResponse(answer(503))));
    expect(verdicts).toEqual(['5xx', '5xx', 'limit']);
  });

  it('waits a random time below an interval that doubles up to ten times the base', () => {
    const limits = [25, 50, 100, 200, 250, 250];
    const state = retry({ retry_on: '5xx', num_retries: 6 });
    for (const limit of limits) {
      const verdict = state?.afterResponse(answer(503));
      if (!verdict?.again) throw new Error('no retry');
      expect(verdict.waitMs).toBeGreaterThanOrEqual(0);
      expect(verdict.waitMs).toBeLessThan(limit);
    }
  });

  it('says no while the retry breaker is full, and lets go when the retry is over', () => {
    const cluster = clusterOf({ circuit_breakers: { thresholds: [{ max_retries: 1 }] } });
    const first = retry({ retry_on: '5xx', num_retries: 2 }, new Headers(), cluster);
    const second = retry({ retry_on: '5xx', num_retries: 2 }, new Headers(), cluster);
    expect(cause(first?.afterResponse(answer(503)))).toBe('5xx');
    expect(cause(second?.afterResponse(answer(503)))).toBe('overflow');
    first?.release();
    expect(cause(second?.afterResponse(answer(503)))).toBe('5xx');
  });

  it('counts a retry when its wait is over, and none that is given up meanwhile', () => {
    const cluster = clusterOf();
    const state = retry({ retry_on: '5xx', num_retries: 2 }, new Headers(), cluster);
    let tries = 0;
    const wait = (): void => {
      state?.afterResponse(answer(503));
      state?.schedule(100, () => void tries++);
    };
    wait();
    expect(cluster.stats.rqRetry.value).toBe(0);
    clock.advance(100);
    expect([tries, cluster.stats.rqRetry.value, cluster.stats.rqRetryBackoff.value]).toEqual([1, 1, 1]);
    wait();
    state?.release();
    clock.advance(100);
    expect([tries, cluster.stats.rqRetry.value, cluster.stats.rqRetryBackoff.value]).toEqual([1, 1, 1]);
  });

  it("follows the client's own headers and takes them away", () => {
    const headers = Headers.of({ 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': '1', accept: '*/*' });
    const state = retry(undefined, headers);
    expect(cause(state?.afterResponse(answer(500)))).toBe('5xx');
    expect(headers.entries()).toEqual([['accept', '*/*']]);
    expect(retry(undefined)).toBeUndefined();
  });

  it.each<[Record<string, string>, string]>([
    [{ 'x-envoy-max-retries': '-1' }, 'limit'],
    [{ 'x-envoy-max-retries': '3x' }, 'limit'],
    [{ 'x-envoy-max-retries': '+3' }, '5xx'],
  ])('reads no number in %j that Envoy does not: a second retry is %s', (wishes, wanted) => {
    const state = retry({ retry_on: '5xx', num_retries: 1 }, Headers.of(wishes));
    expect([1, 2].map(() => cause(state?.afterResponse(answer(500))))).toEqual(['5xx', wanted]);
  });

  it('knows words of HTTP and of gRPC each by its own header', () => {
    const swapped = retry(undefined, Headers.of({ 'x-envoy-retry-on': 'cancelled', 'x-envoy-retry-grpc-on': '5xx' }));
    expect(swapped).toBeUndefined();
    expect(retry({ retry_on: 'nonsense' })?.enabled).toBe(false);
  });

  it.each<[Record<string, string>, number, number]>([
    [{ 'retry-after': '2' }, 2000, 3000],
    [{ 'retry-after': ' +2' }, 2000, 3000],
    [{ 'retry-after': '0', 'x-reset': '2' }, 0, 25],
    [{ 'retry-after': '9', 'x-reset': '2' }, 2000, 3000],
    [{ 'retry-after': 'soon' }, 0, 25],
  ])('waits after %j at least %i and less than %i ms', (headers, least, most) => {
    const reset_headers = ['retry-after', 'x-reset'].map((name) => ({ name, format: 'SECONDS' as const }));
    const rate_limited_retry_back_off = { reset_headers, max_interval: '5s' };
    const verdict = retry({ retry_on: '5xx', rate_limited_retry_back_off })?.afterResponse(answer(503, headers));
    if (!verdict?.again) throw new Error('no retry');
    expect(verdict.waitMs).toBeGreaterThanOrEqual(least);
    expect(verdict.waitMs).toBeLessThan(most);
  });

  it('repeats what came too early at once, and not at all what the client itself has sent early', () => {
    const policy: RetryPolicy = { retry_on: 'retriable-status-codes', retriable_status_codes: [425] };
    const cluster = clusterOf();
    const state = retry(policy, new Headers(), cluster);
    expect(state?.afterResponse(answer(425))).toEqual({ again: true, cause: 'retriable-status-codes', waitMs: 0 });
    state?.schedule(0, () => undefined);
    clock.advance(0);
    expect([cluster.stats.rqRetry.value, cluster.stats.rqRetryBackoff.value]).toEqual([1, 0]);
    expect(cause(retry(policy, Headers.of({ 'early-data': '1' }))?.afterResponse(answer(425)))).toBe('not_retriable');
  });
});
