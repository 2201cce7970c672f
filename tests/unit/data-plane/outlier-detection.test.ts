import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { NO_LOCALITY } from '../../../server/data-plane/config/endpoint-config.ts';
import { type OutlierPolicy, readOutlierPolicy } from '../../../server/data-plane/config/outlier-policy.ts';
import { RuntimeValues } from '../../../server/data-plane/runtime-values.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { Host } from '../../../server/data-plane/upstream/host.ts';
import { OutlierDetector } from '../../../server/data-plane/upstream/outlier-detection.ts';
import { outlierPolicyNow } from '../../../server/data-plane/upstream/runtime-outlier-policy.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

let clock: FakeClock;
let stats: Stats;
let hosts: Host[];

const detector = (fields: Record<string, unknown>): OutlierDetector => {
  const policy = readOutlierPolicy({
    interval: '10s',
    base_ejection_time: '30s',
    max_ejection_percent: 100,
    ...fields,
  })!;
  const made = new OutlierDetector({
    policy,
    clock,
    random: seededRandom('outliers'),
    stats,
    prefix: 'c.',
    hosts: () => hosts,
    changed: () => undefined,
  });
  made.start();
  return made;
};
const fail = (to: OutlierDetector, host: Host, times: number, status = 500): void => {
  for (let i = 0; i < times; i++) to.report(host, { status });
};

beforeEach(() => {
  clock = createFakeClock();
  stats = new Stats();
  hosts = ['a', 'b', 'c'].map(
    (key) =>
      new Host({
        key,
        address: { ip: key, port: 80 },
        hostname: '',
        weight: 1,
        priority: 0,
        locality: NO_LOCALITY,
        healthy: true,
        degraded: false,
        draining: false,
        overprovisioning: 140,
        weighsHealth: false,
        socketMatch: {},
        workload: '',
        origins: undefined,
        check: { disabled: false, address: { ip: key, port: 80 }, hostname: '' },
      }),
  );
});

describe('outlier detection', () => {
  it('takes statuses beyond 599 for no failures', () => {
    const outliers = detector({});
    fail(outliers, hosts[0]!, 9, 600);
    expect(hosts[0]!.healthy).toBe(true);
  });

  it('degrades a host that says so, for longer each time, and never ejects it', () => {
    const outliers = detector({ detect_degraded_hosts: true, max_ejection_percent: 0 });
    const [host] = hosts as [Host];
    const states = (seconds: number): boolean[] =>
      Array.from({ length: seconds / 10 }, () => {
        clock.advance(10_000);
        return host.degraded;
      });
    outliers.saysDegraded(host);
    outliers.saysDegraded(host);
    expect([host.degraded, host.healthy]).toEqual([true, true]);
    expect(states(40)).toEqual([true, true, false, false]);
    expect(host.degradations).toBe(0);
    outliers.saysDegraded(host);
    states(30);
    outliers.saysDegraded(host);
    expect(states(60)).toEqual([true, true, true, true, true, false]);
    expect(stats.values().get('c.outlier_detection.ejections_detected_degradation')).toBe(3);
    expect(stats.values().get('c.outlier_detection.ejections_active')).toBe(0);
  });

  it('looks at no such word unless it is told to', () => {
    detector({}).saysDegraded(hosts[0]!);
    expect(hosts[0]!.degraded).toBe(false);
  });

  it('ejects a host at its fifth 5xx in a row, at once', () => {
    const outliers = detector({});
    fail(outliers, hosts[0]!, 4);
    expect(hosts[0]!.healthy).toBe(true);
    fail(outliers, hosts[0]!, 1);
    expect(hosts[0]!.healthy).toBe(false);
    expect(stats.values().get('c.outlier_detection.ejections_enforced_consecutive_5xx')).toBe(1);
  });

  it('begins to count again after an answer that is no 5xx', () => {
    const outliers = detector({});
    fail(outliers, hosts[0]!, 4);
    outliers.report(hosts[0]!, { status: 404 });
    fail(outliers, hosts[0]!, 4);
    expect(hosts[0]!.healthy).toBe(true);
  });

  it('lets a host back at the first sweep after its time, longer each time it was ejected', () => {
    const outliers = detector({});
    fail(outliers, hosts[0]!, 5);
    clock.advance(29_000);
    expect(hosts[0]!.healthy).toBe(false);
    clock.advance(1000);
    expect(hosts[0]!.healthy).toBe(true);
    fail(outliers, hosts[0]!, 5);
    clock.advance(59_000);
    expect(hosts[0]!.healthy).toBe(false);
    clock.advance(1000);
    expect(hosts[0]!.healthy).toBe(true);
  });

  it("ejects nobody of three hosts at Istio's default of 10 percent, and counts it", () => {
    const outliers = detector({ max_ejection_percent: 10 });
    fail(outliers, hosts[0]!, 5);
    expect(hosts[0]!.healthy).toBe(true);
    expect(stats.values().get('c.outlier_detection.ejections_overflow')).toBe(1);
  });

  it('counts failures to connect as 503 and time-outs as 504, also for gateway errors', () => {
    const outliers = detector({
      consecutive_5xx: 0,
      enforcing_consecutive_gateway_failure: 100,
      consecutive_gateway_failure: 2,
    });
    outliers.report(hosts[0]!, { localOrigin: 'connect' });
    outliers.report(hosts[0]!, { localOrigin: 'timeout' });
    expect(hosts[0]!.healthy).toBe(false);
    fail(outliers, hosts[1]!, 9, 500);
    expect(hosts[1]!.healthy).toBe(true);
  });

  it('counts what it does not enforce, and ejects nobody', () => {
    const outliers = detector({ enforcing_consecutive_5xx: 0 });
    fail(outliers, hosts[0]!, 10, 503);
    expect(hosts[0]!.healthy).toBe(true);
    const found = stats.values();
    expect(found.get('c.outlier_detection.ejections_detected_consecutive_5xx')).toBe(2);
    expect(found.get('c.outlier_detection.ejections_detected_consecutive_gateway_failure')).toBe(2);
    expect(found.get('c.outlier_detection.ejections_enforced_total')).toBe(0);
  });

  it('ejects at the sweep who is more than the factor of standard deviations under the average', () => {
    const outliers = detector({
      consecutive_5xx: 0,
      success_rate_minimum_hosts: 3,
      success_rate_request_volume: 10,
      success_rate_stdev_factor: 1000,
    });
    for (const host of hosts) for (let i = 0; i < 10; i++) outliers.report(host, { status: 200 });
    fail(outliers, hosts[0]!, 10);
    expect(hosts[0]!.healthy).toBe(true);
    clock.advance(10_000);
    expect(hosts.map(({ healthy }) => healthy)).toEqual([false, true, true]);
    // Rates of 50, 100 and 100 percent: an average of 83.3, a deviation of 23.6.
    expect(outliers.rates.external.average).toBeCloseTo(83.33, 2);
    expect(outliers.rates.external.threshold).toBeCloseTo(59.76, 2);
    expect(stats.values().get('c.outlier_detection.ejections_enforced_success_rate')).toBe(1);
  });

  it('compares nobody when too few hosts have enough requests', () => {
    const outliers = detector({ consecutive_5xx: 0, success_rate_minimum_hosts: 3, success_rate_request_volume: 10 });
    for (const host of hosts.slice(1)) for (let i = 0; i < 10; i++) outliers.report(host, { status: 200 });
    fail(outliers, hosts[0]!, 9);
    clock.advance(10_000);
    expect(hosts[0]!.healthy).toBe(true);
    expect(outliers.rates.external).toEqual({ average: -1, threshold: -1 });
  });

  it('ejects by the percentage of failures where that is enforced, each origin by itself', () => {
    const outliers = detector({
      consecutive_5xx: 0,
      consecutive_local_origin_failure: 0,
      split_external_local_origin_errors: true,
      failure_percentage_minimum_hosts: 1,
      failure_percentage_request_volume: 2,
      failure_percentage_threshold: 50,
      enforcing_failure_percentage: 100,
    });
    fail(outliers, hosts[0]!, 2);
    for (let i = 0; i < 2; i++) outliers.report(hosts[1]!, { localOrigin: 'timeout' });
    clock.advance(10_000);
    expect(hosts.map(({ healthy }) => healthy)).toEqual([false, true, true]);
    const found = stats.values();
    expect(found.get('c.outlier_detection.ejections_enforced_failure_percentage')).toBe(1);
    expect(found.get('c.outlier_detection.ejections_detected_local_origin_failure_percentage')).toBe(1);
  });

  it('counts a host twice that two rates eject at once, and one of them for ever', () => {
    const outliers = detector({
      max_ejection_percent: 67,
      consecutive_5xx: 100,
      base_ejection_time: '5s',
      success_rate_minimum_hosts: 2,
      success_rate_request_volume: 1,
      success_rate_stdev_factor: 0,
      failure_percentage_minimum_hosts: 2,
      failure_percentage_request_volume: 1,
      enforcing_failure_percentage: 100,
    });
    const active = (): number | undefined => stats.values().get('c.outlier_detection.ejections_active');
    const ask = (failing: number): void => {
      for (const [i, host] of hosts.entries()) fail(outliers, host, 1, i === failing ? 500 : 200);
    };
    ask(0);
    clock.advance(10_000);
    expect(active()).toBe(2);
    clock.advance(20_000);
    expect([hosts[0]!.ejected, active()]).toEqual([false, 1]);
    ask(1);
    clock.advance(10_000);
    // Two of three would be allowed, but there is one that nobody sees.
    expect([hosts[1]!.ejected, active()]).toEqual([true, 2]);
    expect(stats.values().get('c.outlier_detection.ejections_overflow')).toBe(1);
  });

  it('ends a row of local origin with a connection that is made', () => {
    const outliers = detector({ split_external_local_origin_errors: true, consecutive_local_origin_failure: 2 });
    for (const seen of ['connect', 'connected', 'timeout'] as const) outliers.report(hosts[0]!, { localOrigin: seen });
    expect(hosts[0]!.healthy).toBe(true);
    outliers.report(hosts[0]!, { localOrigin: 'timeout' });
    expect(hosts[0]!.healthy).toBe(false);
  });

  it('goes by what the runtime says from the moment that it says so, and by its cluster where it says nothing', () => {
    const values = new RuntimeValues();
    const given = readOutlierPolicy({ interval: '10s', consecutive_5xx: 5, success_rate_stdev_factor: 1500 })!;
    const outliers = detector({ consecutive_5xx: 5, success_rate_stdev_factor: 1500 });
    const say = (...pairs: readonly (readonly [string, string])[]): OutlierPolicy => {
      values.set(pairs.map(([key, value]) => [`outlier_detection.${key}`, value] as const));
      const policy = outlierPolicyNow(given, values);
      outliers.follow(policy);
      return policy;
    };
    expect(say()).toEqual(given);
    fail(outliers, hosts[0]!, 1);
    say(
      ['consecutive_5xx', '2'],
      ['max_ejection_percent', '100'],
      ['enforcing_failure_percentage_local_origin', '7'],
      ['success_rate_stdev_factor', '10'],
    );
    fail(outliers, hosts[0]!, 1);
    expect(hosts[0]!.ejected).toBe(true);
    say(['base_ejection_time_ms', '1'], ['max_ejection_time_ms', '1'], ['interval_ms', '500']);
    clock.advance(10_000);
    expect(hosts[0]!.ejected).toBe(false);
    const said = say(['max_ejection_percent', '900'], ['enforcing_failure_percentage_local_origin', '7']);
    expect([said.maxEjectionPercent, said.enforcing.local_origin_failure_percentage]).toEqual([100, 7]);
  });

  it('tells rates of the last interval only of hosts that are not ejected, where enough hosts are there', () => {
    const told = (minimum: number): readonly number[] => {
      const outliers = detector({
        consecutive_5xx: 0,
        success_rate_minimum_hosts: minimum,
        failure_percentage_minimum_hosts: minimum,
        success_rate_request_volume: 2,
      });
      for (const host of hosts) outliers.report(host, { status: 200 });
      fail(outliers, hosts[0]!, 1);
      hosts[1]!.ejected = true;
      clock.advance(10_000);
      outliers.stop();
      hosts[1]!.ejected = false;
      return hosts.map(({ rates }) => rates.external.shown);
    };
    expect(told(3)).toEqual([50, -1, -1]);
    expect(told(4)).toEqual([-1, -1, -1]);
  });

  it('counts nothing of hosts that have left, and of none once it was stopped, whose requests still end', () => {
    const outliers = detector({ detect_degraded_hosts: true });
    const active = (): number | undefined => stats.values().get('c.outlier_detection.ejections_active');
    const left = hosts.pop()!;
    fail(outliers, left, 9);
    outliers.saysDegraded(left);
    expect([left.healthy, left.degraded, active()]).toEqual([true, false, 0]);
    outliers.stop();
    fail(outliers, hosts[0]!, 9);
    expect([hosts[0]!.healthy, active()]).toEqual([true, 0]);
    expect(stats.values().get('c.outlier_detection.ejections_detected_consecutive_5xx') ?? 0).toBe(0);
  });

  it('keeps a host out for longer by its jitter', () => {
    const outliers = detector({ consecutive_5xx: 1, max_ejection_time_jitter: '60s' });
    fail(outliers, hosts[0]!, 1);
    const jitterMs = hosts[0]!.ejectionJitterMs;
    expect(jitterMs).toBeGreaterThan(0);
    clock.advance(30_000);
    expect(hosts[0]!.healthy).toBe(jitterMs === 0);
    clock.advance(Math.ceil(jitterMs / 10_000) * 10_000);
    expect(hosts[0]!.healthy).toBe(true);
  });
});
