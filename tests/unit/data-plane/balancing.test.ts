import { describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Cluster } from '#xds';
import { type EndpointConfig, NO_LOCALITY } from '../../../server/data-plane/config/endpoint-config.ts';
import { readBalancing } from '../../../server/data-plane/config/lb-config.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { xxHash64 } from '../../../server/data-plane/upstream/hashing/xx-hash.ts';
import { Host } from '../../../server/data-plane/upstream/host.ts';
import { HostGroup } from '../../../server/data-plane/upstream/host-group.ts';
import { createLoadBalancer, type LoadBalancer } from '../../../server/data-plane/upstream/load-balancer.ts';
import { PrioritySet } from '../../../server/data-plane/upstream/priority.ts';
import { beginSlowStart, slowStartFactor } from '../../../server/data-plane/upstream/slow-start.ts';
import { createFakeClock } from './fake-clock.ts';

const host = (key: string, fields: Partial<EndpointConfig> = {}): Host =>
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
    ...fields,
  });

const balancerOf = (fields: Partial<Cluster>, seed: number | string = 1, clock = createFakeClock()): LoadBalancer =>
  createLoadBalancer({ config: readBalancing({ name: 'a', ...fields }), random: seededRandom(seed), clock });

const pick = (balancer: LoadBalancer, hosts: readonly Host[], hash?: bigint, attempt = 0): string =>
  balancer.pick(hosts, '0', { hash, attempt })?.host.key ?? '';

const count = (picks: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const pick of picks) counts[pick] = (counts[pick] ?? 0) + 1;
  return counts;
};

describe('a load balancer', () => {
  it('takes hosts in turn from a random start', () => {
    const hosts = ['a', 'b', 'c'].map((key) => host(key));
    const balancer = balancerOf({ lb_policy: 'ROUND_ROBIN' });
    const picks = Array.from({ length: 6 }, () => pick(balancer, hosts));
    expect(picks.slice(0, 3).sort()).toEqual(['a', 'b', 'c']);
    expect(picks.slice(3)).toEqual(picks.slice(0, 3));
  });

  it('follows weights without bursts', () => {
    const hosts = [host('a', { weight: 3 }), host('b', { weight: 1 })];
    const balancer = balancerOf({ lb_policy: 'ROUND_ROBIN' });
    const picks = Array.from({ length: 40 }, () => pick(balancer, hosts));
    expect(count(picks)).toEqual({ a: 30, b: 10 });
    expect(picks.join('')).not.toContain('bb');
  });

  it('prefers, of two drawn hosts, the one with fewer active requests', () => {
    const hosts = [host('idle'), host('busy')];
    hosts[1]!.activeRequests = 9;
    const balancer = balancerOf({ lb_policy: 'LEAST_REQUEST' }, 7);
    const picks = count(Array.from({ length: 400 }, () => pick(balancer, hosts)));
    // Busy is taken only when it was drawn twice: a quarter of the time.
    expect(picks['busy']).toBeGreaterThan(60);
    expect(picks['busy']).toBeLessThan(140);
  });

  it('repeats its choices for the same seed', () => {
    const hosts = ['a', 'b', 'c', 'd'].map((key) => host(key));
    const run = () => {
      const balancer = balancerOf({ lb_policy: 'RANDOM' }, 'lab');
      return Array.from({ length: 20 }, () => pick(balancer, hosts));
    };
    expect(run()).toEqual(run());
  });
});

describe('a schedule by weights', () => {
  // The order in which a real Envoy 1.40 takes five hosts with these weights; it begins anywhere.
  const ORDER = '1234554535425453545';

  it('takes hosts in the order of Envoy, for as long as one likes', () => {
    const hosts = [1, 2, 3, 5, 8].map((weight, i) => host(String(i + 1), { weight }));
    const balancer = balancerOf({ lb_policy: 'ROUND_ROBIN' });
    const picks = Array.from({ length: 19 * 40 }, () => pick(balancer, hosts)).join('');
    const start = ORDER.repeat(2).indexOf(picks.slice(0, 19));
    expect(start).toBeGreaterThanOrEqual(0);
    expect(picks).toBe(ORDER.repeat(41).slice(start, start + picks.length));
  });

  it('leaves to chance who of two with one deadline comes first, and gives hosts that come back the turns that they had', () => {
    const hosts = [3, 7, 11, 13].map((weight, i) => host(String(i), { weight }));
    const roundOf = (balancer: LoadBalancer): string =>
      Array.from({ length: 34 }, () => pick(balancer, [...hosts])).join('');
    const seeds = Array.from({ length: 40 }, (_, seed) => seed);
    // The last turns of a round are those of all four, whose deadlines are one.
    const ends = new Set<string>();
    for (const seed of seeds) {
      const balancer = balancerOf({ lb_policy: 'ROUND_ROBIN' }, seed);
      const turns = Array.from({ length: 34 * 3 }, () => pick(balancer, hosts)).join('');
      for (let at = 0; at < 34; at++) {
        const end = turns.slice(at, at + 4);
        if (new Set(end).size === 4) ends.add(end);
      }
      expect(new Set(roundOf(balancer)).size).toBe(1);
    }
    expect(ends.size).toBeGreaterThan(6);
  });
});

describe('bounded load', () => {
  const bounded = { common_lb_config: { consistent_hashing_lb_config: { hash_balance_factor: 100 } } };
  const hosts = ['a', 'b', 'c'].map((key) => host(key));
  const underWay = (): number => hosts.reduce((sum, { activeRequests }) => sum + activeRequests, 0);
  const balancer = createLoadBalancer({
    config: readBalancing({ name: 'a', lb_policy: 'RING_HASH', ...bounded }),
    random: seededRandom(1),
    clock: createFakeClock(),
    underWay,
  });

  it('leads a request to another host, the same one each time, while its own has more than its share', () => {
    const own = hosts.find(({ key }) => key === pick(balancer, hosts, 7n))!;
    own.activeRequests = 4;
    const others = new Set(Array.from({ length: 5 }, () => pick(balancer, hosts, 7n)));
    expect(others.size).toBe(1);
    expect(others).not.toContain(own.key);
    own.activeRequests = 1;
    expect(pick(balancer, hosts, 7n)).toBe(own.key);
  });
});

describe('priorities', () => {
  const level = (priority: number, healthy: number, total: number): Host[] =>
    Array.from({ length: total }, (_, i) => host(`${priority}-${i}`, { priority, healthy: i < healthy }));
  /** Share of picks per priority, in percent. */
  const shares = (hosts: readonly Host[]): number[] => {
    const set = new PrioritySet({ hosts, panicThreshold: 0, byLocality: false });
    const random = seededRandom(3);
    const picks = Array.from({ length: 4000 }, () => set.candidates(() => random.below(100))?.priority ?? -1);
    return [0, 1].map((priority) => Math.round(picks.filter((pick) => pick === priority).length / 40));
  };

  it.each([
    [72, [100, 0]],
    [50, [70, 30]],
    [25, [35, 65]],
  ])('spill over as Envoy documents when %i %% of the first are healthy', (healthy, expected) => {
    const measured = shares([...level(0, healthy, 100), ...level(1, 100, 100)]);
    for (const [i, share] of expected.entries()) expect(Math.abs(measured[i]! - share)).toBeLessThanOrEqual(3);
  });

  it('use every host when too few are healthy, unless the threshold is 0', () => {
    const hosts = level(0, 1, 4);
    const random = seededRandom(1);
    expect(
      new PrioritySet({ hosts, panicThreshold: 50, byLocality: false }).candidates(() => random.below(100)),
    ).toMatchObject({ panic: true, healthy: 1, total: 4 });
    expect(
      new PrioritySet({ hosts, panicThreshold: 0, byLocality: false }).candidates(() => random.below(100))?.hosts,
    ).toHaveLength(1);
    expect(
      new PrioritySet({ hosts: level(0, 0, 4), panicThreshold: 0, byLocality: false }).candidates(() =>
        random.below(100),
      ),
    ).toBeUndefined();
  });
});

describe('too few healthy hosts', () => {
  const sick = (count: number, priority: number, fields: Partial<EndpointConfig> = {}): Host[] =>
    Array.from({ length: count }, (_, i) => host(`${priority}-${i}`, { priority, healthy: false, ...fields }));
  const shares = (hosts: readonly Host[], panicThreshold = 50): Record<string, number> => {
    const set = new PrioritySet({ hosts, panicThreshold, byLocality: false });
    return count(Array.from({ length: 100 }, (_, draw) => String(set.candidates(() => draw)?.priority)));
  };

  // The shares of a real Envoy 1.40.
  it.each([
    ['in the first priority alone', [host('a'), ...sick(3, 0), host('b', { priority: 1 })], { 0: 35, 1: 65 }],
    [
      'in both, which share by their members',
      [host('a'), ...sick(3, 0), host('b', { priority: 1 }), ...sick(7, 1)],
      { 0: 34, 1: 66 },
    ],
    ['anywhere', [...sick(4, 0), ...sick(8, 1)], { 0: 34, 1: 66 }],
    ['but the second has one', [...sick(4, 0), host('b', { priority: 1 }), ...sick(7, 1)], { 0: 34, 1: 66 }],
  ] as const)('%s', (_where, hosts, expected) => {
    expect(shares(hosts)).toEqual(expected);
  });

  it('are counted as often as the assignment says', () => {
    const half = { overprovisioning: 200 };
    expect(shares([host('a', half), ...sick(1, 0, half), host('b', { ...half, priority: 1 })])).toEqual({ 0: 100 });
  });

  it('leave none where the cluster would rather fail', () => {
    const options = { hosts: [host('a'), ...sick(2, 0)], panicThreshold: 50, byLocality: false };
    expect(new PrioritySet(options).candidates(() => 0)).toMatchObject({ panic: true });
    expect(new PrioritySet({ ...options, failsInPanic: true }).candidates(() => 0)).toBeUndefined();
  });

  it('are not those that shut down', () => {
    const set = new PrioritySet({
      hosts: [host('a'), ...sick(5, 0, { draining: true })],
      panicThreshold: 50,
      byLocality: false,
    });
    expect(set.candidates(() => 0)).toMatchObject({ panic: false, healthy: 1 });
  });
});

describe('consistent hashing', () => {
  const hosts = Array.from({ length: 5 }, (_, i) => host(`10.0.0.${i + 1}:80`));
  const hashes = Array.from({ length: 5000 }, (_, i) => xxHash64(`user-${i}`));

  it.each(['RING_HASH', 'MAGLEV'] as const)('%s leads the same hash to the same host', (lb_policy) => {
    const [one, other] = [balancerOf({ lb_policy }, 1), balancerOf({ lb_policy }, 2)];
    for (const hash of hashes.slice(0, 200)) expect(pick(one, hosts, hash)).toBe(pick(other, hosts, hash));
  });

  it.each([
    ['RING_HASH', 0.35],
    ['MAGLEV', 0.05],
  ] as const)('%s spreads many hashes over all hosts', (lb_policy, tolerance) => {
    const balancer = balancerOf({ lb_policy });
    const shares = Object.values(count(hashes.map((hash) => pick(balancer, hosts, hash))));
    expect(shares).toHaveLength(5);
    for (const share of shares) expect(Math.abs(share / 1000 - 1)).toBeLessThan(tolerance);
  });

  it('moves few keys besides those of the host that left, on a ring', () => {
    const balancer = balancerOf({ lb_policy: 'RING_HASH' });
    const left = hosts.slice(1);
    const moved = hashes.filter((hash) => {
      const before = pick(balancer, hosts, hash);
      return before !== hosts[0]!.key && pick(balancer, left, hash) !== before;
    });
    // Each of four hosts owns 256 points where each of five owned 205: the new points take keys as well.
    expect(moved.length / hashes.length).toBeLessThan(0.2);
  });

  it('moves few keys besides those of the host that left, in a Maglev table', () => {
    const balancer = balancerOf({ lb_policy: 'MAGLEV' });
    const left = hosts.slice(1);
    const moved = hashes.filter((hash) => {
      const before = pick(balancer, hosts, hash);
      return before !== hosts[0]!.key && pick(balancer, left, hash) !== before;
    });
    expect(moved.length / hashes.length).toBeLessThan(0.1);
  });

  it.each(['RING_HASH', 'MAGLEV'] as const)('%s gives a host of double weight a double share', (lb_policy) => {
    const weighted = [host('10.0.0.1:80', { weight: 2 }), host('10.0.0.2:80'), host('10.0.0.3:80')];
    const balancer = balancerOf({ lb_policy });
    const shares = count(hashes.map((hash) => pick(balancer, weighted, hash)));
    expect(Math.abs(shares['10.0.0.1:80']! / hashes.length - 0.5)).toBeLessThan(0.05);
  });

  it('takes another host when the first is to be avoided', () => {
    const balancer = balancerOf({ lb_policy: 'MAGLEV' });
    const firsts = hashes.slice(0, 100);
    const different = firsts.filter((hash) => pick(balancer, hosts, hash, 1) !== pick(balancer, hosts, hash));
    expect(different.length).toBeGreaterThan(60);
  });

  it('refuses a Maglev table whose size is no prime, and a ring with its bounds crossed', () => {
    expect(() => readBalancing({ name: 'a', lb_policy: 'MAGLEV', maglev_lb_config: { table_size: '65536' } })).toThrow(
      'The table size of maglev must be prime number',
    );
    const ring_hash_lb_config = { minimum_ring_size: '10', maximum_ring_size: '5' };
    expect(() => readBalancing({ name: 'a', lb_policy: 'RING_HASH', ring_hash_lb_config })).toThrow(
      'ring hash: minimum_ring_size (10) > maximum_ring_size (5)',
    );
  });
});

describe('localities', () => {
  const at = (key: string, locality: string, weight: number, healthy = true): Host =>
    host(key, { locality: { key: locality, weight }, healthy });
  const shares = (hosts: readonly Host[]): Record<string, number> => {
    const set = new PrioritySet({ hosts, panicThreshold: 0, byLocality: true });
    return count(Array.from({ length: 100 }, () => set.candidates(() => 0)?.locality ?? 'none'));
  };

  it('share the traffic by their weights, however many hosts they have', () => {
    expect(shares([at('a', 'eu', 80), at('b', 'us', 20), at('c', 'us', 20), at('d', 'us', 20)])).toEqual({
      eu: 80,
      us: 20,
    });
  });

  it('take less when fewer than 71 % of their hosts are healthy', () => {
    const half = [at('a', 'eu', 50), at('b', 'eu', 50, false)];
    // 50 × 1.4 × 1/2 = 35 against 50.
    const measured = shares([...half, at('c', 'us', 50)]);
    expect(measured['eu']).toBeGreaterThanOrEqual(40);
    expect(measured['eu']).toBeLessThanOrEqual(42);
  });

  it('share by their weights where only degraded hosts are left', () => {
    const set = new PrioritySet({
      hosts: [
        host('a', { locality: { key: 'eu', weight: 1 }, degraded: true }),
        host('b', { locality: { key: 'us', weight: 3 }, degraded: true }),
      ],
      panicThreshold: 50,
      byLocality: true,
    });
    const picks = Array.from(
      { length: 100 },
      () =>
        set
          .candidates(() => 0)
          ?.hosts.map(({ key }) => key)
          .join() ?? '',
    );
    expect(count(picks)).toEqual({ a: 25, b: 75 });
  });

  it('take turns from a random start, as proxies that begin together are not to ask one of them first', () => {
    const hosts = [at('a', 'eu', 1), at('b', 'us', 1)];
    const firsts = Array.from({ length: 40 }, (_, seed) => {
      const set = new PrioritySet({ hosts, panicThreshold: 50, byLocality: true, random: seededRandom(seed) });
      return set.candidates(() => 0)?.locality;
    });
    const eu = firsts.filter((locality) => locality?.startsWith('eu')).length;
    expect([eu > 10, eu < 30]).toEqual([true, true]);
  });

  it('take nothing without a weight', () => {
    expect(shares([at('a', 'eu', 1), at('b', 'us', 0)])).toEqual({ eu: 100 });
  });
});

describe('slow start', () => {
  it('gives a new host a share that grows with its age', () => {
    const clock = createFakeClock();
    const slow = { slow_start_config: { slow_start_window: '60s' } };
    const balancer = balancerOf({ lb_policy: 'ROUND_ROBIN', round_robin_lb_config: slow }, 1, clock);
    const old = host('old');
    beginSlowStart([old], clock.monotonic());
    clock.advance(120_000);
    const fresh = host('new');
    beginSlowStart([old, fresh], clock.monotonic());
    const hosts = [old, fresh];
    const share = (): number => {
      const picks = count(Array.from({ length: 200 }, () => pick(balancer, hosts, undefined)));
      return (picks['new'] ?? 0) / 200;
    };
    expect(share()).toBeCloseTo(0.1 / 1.1, 1);
    clock.advance(30_000);
    expect(share()).toBeCloseTo(0.5 / 1.5, 1);
    clock.advance(60_000);
    expect(share()).toBeCloseTo(0.5, 1);
  });

  it('leaves a host without a least share waiting for the turn that it got by what it weighed as it came', () => {
    const clock = createFakeClock();
    const slow = { slow_start_config: { slow_start_window: '4s', min_weight_percent: { value: 0 } } };
    const config = readBalancing({ name: 'a', lb_policy: 'ROUND_ROBIN', round_robin_lb_config: slow });
    const random = seededRandom(1);
    const group = new HostGroup({ config, clock, random, underWay: () => 0, panics: new Stats().stat('panics') });
    const old = host('old');
    const shareOfNew = (): number => {
      const picks = Array.from({ length: 200 }, () =>
        group.choose({ originalDestination: undefined, hash: () => undefined }),
      );
      return picks.filter((choice) => choice?.host.key === 'new').length / 200;
    };
    group.setHosts([old], {});
    clock.advance(10_000);
    group.setHosts([old, host('new')], {});
    clock.advance(60_000);
    expect(shareOfNew()).toBe(0);
    group.setHosts([...group.levels[0]!.all], {});
    expect(shareOfNew()).toBe(0.5);
  });

  it('begins when balancing first meets a host in good health, and only then', () => {
    const late = host('late', { healthy: false });
    const degraded = host('degraded', { degraded: true });
    beginSlowStart([late, degraded], 1000);
    expect([late.warmSince, degraded.warmSince]).toEqual([undefined, undefined]);
    late.endpoint = { ...late.endpoint, healthy: true };
    beginSlowStart([late, degraded], 5000);
    beginSlowStart([late, degraded], 9000);
    expect([late.warmSince, degraded.warmSince]).toEqual([5000, undefined]);
  });

  it.each([
    [1, 0.25],
    [2, 0.5],
    [0.5, 0.1],
    [0, 0.25],
  ])('with aggression %d gives a quarter of the window a share of %d', (aggression, share) => {
    const { slowStart } = readBalancing({
      name: 'a',
      lb_policy: 'LEAST_REQUEST',
      least_request_lb_config: {
        slow_start_config: { slow_start_window: '60s', aggression: { default_value: aggression } },
      },
    });
    const fresh = host('new');
    beginSlowStart([fresh], 1000);
    expect(slowStartFactor(slowStart!, fresh, 16_000.9)).toBe(share);
    expect(slowStartFactor(slowStart!, fresh, 61_000)).toBe(1);
  });
});

describe('a policy that is an extension', () => {
  const ringOf = (fields: object) => {
    const type = 'type.googleapis.com/envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash';
    const extension = { name: 'ring', typed_config: { '@type': type, ...fields } };
    const load_balancing_policy = { policies: [{ typed_extension_config: extension }] };
    return readBalancing({ name: 'a', type: 'STATIC', load_balancing_policy } as unknown as Cluster);
  };

  it("is not held to the bounds of the cluster's own fields", () => {
    const { balanceFactor, ring } = ringOf({
      use_hostname_for_hashing: true,
      hash_balance_factor: 50,
      maximum_ring_size: '9000000',
    });
    expect([balanceFactor, ring.byHostname, ring.maxRingSize]).toEqual([50, true, 9_000_000]);
    const own = { name: 'a', type: 'STATIC', lb_policy: 'RING_HASH' } as const;
    const hashing = (fields: object): Cluster => ({
      ...own,
      common_lb_config: { consistent_hashing_lb_config: fields },
    });
    expect(() => readBalancing(hashing({ use_hostname_for_hashing: true }))).toThrow('Cannot use hostname');
    expect(() => readBalancing(hashing({ hash_balance_factor: 50 }))).toThrow('greater than or equal to 100');
    expect(() => readBalancing({ ...own, ring_hash_lb_config: { maximum_ring_size: '9000000' } })).toThrow('is above');
  });

  it('makes no ring that takes more room than any other may', () => {
    expect(() => ringOf({ minimum_ring_size: '9000000', maximum_ring_size: '9000000' })).toThrow('is above');
  });
});
