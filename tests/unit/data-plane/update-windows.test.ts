import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Cluster } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { NO_HASH, UpstreamCluster } from '../../../server/data-plane/upstream/cluster.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

const WINDOW_MS = 1000;
const PICKS = 60;

let clock: FakeClock;
let stats: Stats;
beforeEach(() => {
  clock = createFakeClock();
  stats = new Stats();
});

type Weights = Readonly<Record<number, number>>;

/** By priority: ports of its hosts and their weights. */
const assignment = (priorities: readonly Weights[]) => ({
  cluster_name: 'a',
  endpoints: priorities.map((hosts, priority) => ({
    priority,
    lb_endpoints: Object.entries(hosts).map(([port, weight]) => ({
      load_balancing_weight: weight,
      endpoint: { address: { socket_address: { address: '10.0.0.1', port_value: Number(port) } } },
    })),
  })),
});

const configOf = (priorities: readonly Weights[], common: object = {}) =>
  compileCluster(
    {
      name: 'a',
      type: 'STATIC',
      outlier_detection: { consecutive_5xx: 1, max_ejection_percent: 100, enforcing_consecutive_5xx: 100 },
      common_lb_config: { healthy_panic_threshold: { value: 0 }, ...common },
      load_assignment: assignment(priorities),
    } as Cluster,
    'v',
  );

function serving(priorities: readonly Weights[], common: object = {}): UpstreamCluster {
  const config = configOf(priorities, common);
  const cluster = new UpstreamCluster({
    config,
    clock,
    random: seededRandom(1),
    stats,
    createPool: () => {
      throw new Error('nothing is sent');
    },
    createProbe: () => {
      throw new Error('nothing is checked');
    },
    resolve: () => Promise.reject(new Error('nothing is resolved')),
    onLog: () => undefined,
  });
  cluster.setEndpoints(config.endpoints);
  cluster.serve();
  return cluster;
}

/** The ports of the hosts that requests reach. */
const reached = (cluster: UpstreamCluster): number[] => {
  const picks = Array.from({ length: PICKS }, () => cluster.pick({ originalDestination: undefined, hash: NO_HASH }));
  return [...new Set(picks.flatMap((pick) => (pick === undefined ? [] : [pick.host.address.port])))].sort();
};
const fail = (cluster: UpstreamCluster, ...ports: readonly number[]): void => {
  for (const host of cluster.hosts) if (ports.includes(host.address.port)) cluster.report(host, { status: 500 });
};
const counted = () => {
  const names = [
    'cluster_updated',
    'cluster_updated_via_merge',
    'update_merge_cancelled',
    'update_out_of_merge_window',
  ];
  return names.map((name) => stats.complete().get(`cluster_manager.${name}`) ?? 0);
};

describe('balancing hears of changed hosts', () => {
  it('at once the first time, and of those that change within a window after it when a window more is over', () => {
    const cluster = serving([{ 1: 1, 2: 1, 3: 1 }]);
    fail(cluster, 1);
    expect(reached(cluster)).toEqual([2, 3]);
    clock.advance(300);
    fail(cluster, 2);
    clock.advance(300);
    fail(cluster, 3);
    expect([reached(cluster), cluster.hosts.filter(({ ejected }) => ejected).length]).toEqual([[2, 3], 3]);
    clock.advance(WINDOW_MS - 301);
    expect(reached(cluster)).toEqual([2, 3]);
    clock.advance(1);
    expect(reached(cluster)).toEqual([]);
    expect(counted()).toEqual([1, 1, 0, 1]);
  });

  it('at once of a change that comes more than a window after the last', () => {
    const cluster = serving([{ 1: 1, 2: 1, 3: 1 }]);
    fail(cluster, 1);
    clock.advance(WINDOW_MS);
    fail(cluster, 2);
    expect(reached(cluster)).toEqual([2, 3]);
    clock.advance(2 * WINDOW_MS + 1);
    fail(cluster, 3);
    expect(reached(cluster)).toEqual([]);
  });

  it('at once of members that come or go, and with them of what waits', () => {
    const cluster = serving([{ 1: 1, 2: 1, 3: 1 }]);
    fail(cluster, 1);
    fail(cluster, 2);
    expect(reached(cluster)).toEqual([2, 3]);
    cluster.setEndpoints(configOf([{ 1: 1, 2: 1, 3: 1, 4: 1 }]).endpoints);
    expect(reached(cluster)).toEqual([3, 4]);
    expect(counted()).toEqual([2, 0, 1, 1]);
    fail(cluster, 3);
    expect(reached(cluster)).toEqual([3, 4]);
  });

  it('a window later of weights that follow upon other members, and not at all of what is as it was', () => {
    const cluster = serving([{ 1: 1, 2: 1 }]);
    cluster.setEndpoints(configOf([{ 1: 1, 2: 1, 3: 1 }]).endpoints);
    cluster.setEndpoints(configOf([{ 1: 1, 2: 1, 3: 1 }]).endpoints);
    expect([counted(), clock.pending]).toEqual([[1, 0, 0, 0], 0]);
    cluster.setEndpoints(configOf([{ 1: 1, 2: 1, 3: 50 }]).endpoints);
    expect([counted(), clock.pending]).toEqual([[1, 0, 0, 0], 1]);
    clock.advance(WINDOW_MS);
    expect([counted(), clock.pending]).toEqual([[1, 1, 0, 0], 0]);
  });

  it('in the one priority whose members changed, while the others wait', () => {
    const cluster = serving([{ 1: 1, 2: 1 }, { 3: 1 }]);
    fail(cluster, 1);
    fail(cluster, 2);
    expect(reached(cluster)).toEqual([2, 3]);
    cluster.setEndpoints(
      configOf([
        { 1: 1, 2: 1 },
        { 3: 1, 4: 1 },
      ]).endpoints,
    );
    expect(reached(cluster)).toEqual([2, 3, 4]);
    clock.advance(WINDOW_MS);
    expect(reached(cluster)).toEqual([3, 4]);
  });

  it('always at once, where the cluster has no window', () => {
    const cluster = serving([{ 1: 1, 2: 1, 3: 1 }], { update_merge_window: '0s' });
    fail(cluster, 1, 2, 3);
    expect(reached(cluster)).toEqual([]);
    expect(counted()).toEqual([3, 0, 0, 0]);
  });

  it('no more, once the cluster is given up', () => {
    const cluster = serving([{ 1: 1, 2: 1 }]);
    fail(cluster, 1, 2);
    expect(clock.pending).toBe(1);
    cluster.drain();
    expect(clock.pending).toBe(0);
  });
});
