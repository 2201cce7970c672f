import { describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { EndpointConfig } from '../../../server/data-plane/config/endpoint-config.ts';
import { Host } from '../../../server/data-plane/upstream/host.ts';
import { createLoadBalancer } from '../../../server/data-plane/upstream/load-balancer.ts';
import { PrioritySet } from '../../../server/data-plane/upstream/priority.ts';

const host = (key: string, fields: Partial<EndpointConfig> = {}): Host =>
  new Host({
    key,
    address: { ip: key, port: 80 },
    weight: 1,
    priority: 0,
    healthy: true,
    socketMatch: {},
    workload: '',
    origins: undefined,
    ...fields,
  });

const count = (picks: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const pick of picks) counts[pick] = (counts[pick] ?? 0) + 1;
  return counts;
};

describe('a load balancer', () => {
  it('takes hosts in turn from a random start', () => {
    const hosts = ['a', 'b', 'c'].map((key) => host(key));
    const balancer = createLoadBalancer('ROUND_ROBIN', seededRandom(1));
    const picks = Array.from({ length: 6 }, () => balancer.pick(hosts).host.key);
    expect(picks.slice(0, 3).sort()).toEqual(['a', 'b', 'c']);
    expect(picks.slice(3)).toEqual(picks.slice(0, 3));
  });

  it('follows weights without bursts', () => {
    const hosts = [host('a', { weight: 3 }), host('b', { weight: 1 })];
    const balancer = createLoadBalancer('ROUND_ROBIN', seededRandom(1));
    const picks = Array.from({ length: 40 }, () => balancer.pick(hosts).host.key);
    expect(count(picks)).toEqual({ a: 30, b: 10 });
    expect(picks.join('')).not.toContain('bb');
  });

  it('prefers, of two drawn hosts, the one with fewer active requests', () => {
    const hosts = [host('idle'), host('busy')];
    hosts[1]!.activeRequests = 9;
    const balancer = createLoadBalancer('LEAST_REQUEST', seededRandom(7));
    const picks = count(Array.from({ length: 400 }, () => balancer.pick(hosts).host.key));
    // Busy is taken only when it was drawn twice: a quarter of the time.
    expect(picks['busy']).toBeGreaterThan(60);
    expect(picks['busy']).toBeLessThan(140);
  });

  it('repeats its choices for the same seed', () => {
    const hosts = ['a', 'b', 'c', 'd'].map((key) => host(key));
    const run = () => {
      const balancer = createLoadBalancer('RANDOM', seededRandom('lab').stream('x'));
      return Array.from({ length: 20 }, () => balancer.pick(hosts).host.key);
    };
    expect(run()).toEqual(run());
  });
});

describe('priorities', () => {
  const level = (priority: number, healthy: number, total: number): Host[] =>
    Array.from({ length: total }, (_, i) => host(`${priority}-${i}`, { priority, healthy: i < healthy }));
  /** Share of picks per priority, in percent. */
  const shares = (hosts: readonly Host[]): number[] => {
    const set = new PrioritySet(hosts, 0);
    const random = seededRandom(3);
    const picks = Array.from({ length: 4000 }, () => set.candidates(random)?.priority ?? -1);
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
    expect(new PrioritySet(hosts, 50).candidates(random)).toMatchObject({ panic: true, healthy: 1, total: 4 });
    expect(new PrioritySet(hosts, 0).candidates(random)?.hosts).toHaveLength(1);
    expect(new PrioritySet(level(0, 0, 4), 0).candidates(random)).toBeUndefined();
  });
});
