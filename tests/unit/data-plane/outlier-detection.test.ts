import { beforeEach, describe, expect, it } from 'vitest';
import { NO_LOCALITY } from '../../../server/data-plane/config/endpoint-config.ts';
import { readOutlierPolicy } from '../../../server/data-plane/config/outlier-policy.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { Host } from '../../../server/data-plane/upstream/host.ts';
import { OutlierDetector } from '../../../server/data-plane/upstream/outlier-detection.ts';
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
        socketMatch: {},
        workload: '',
        origins: undefined,
        check: { disabled: false, address: { ip: key, port: 80 }, hostname: '' },
      }),
  );
});

describe('outlier detection', () => {
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
});
