import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Cluster, ClusterLoadAssignment } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';
import { compileEndpoints } from '../../../server/data-plane/config/endpoint-config.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { ClusterManager } from '../../../server/data-plane/upstream/cluster-manager.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

const config = compileCluster(
  { name: 'a', type: 'EDS', eds_cluster_config: { eds_config: { ads: {} } } } as Cluster,
  'v',
);
const assignment = (after?: string): ClusterLoadAssignment => ({
  cluster_name: 'a',
  endpoints: [
    { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '10.0.0.1', port_value: 80 } } } }] },
  ],
  ...(after !== undefined && { policy: { endpoint_stale_after: after } }),
});

let clock: FakeClock;
let stats: Stats;
let clusters: ClusterManager;
beforeEach(() => {
  clock = createFakeClock();
  stats = new Stats();
  const never = (): never => {
    throw new Error('nothing is sent');
  };
  const made = { createPool: never, createProbe: never, resolve: never, onLog: () => undefined };
  clusters = new ClusterManager({ clock, random: seededRandom(1), stats, ...made });
});

const arrives = (after?: string): void => {
  const given = assignment(after);
  clusters.set(config, compileEndpoints(given), given.policy);
};
const seen = (): unknown[] => [
  clusters.get('a')?.hostCount,
  stats.complete().get('cluster.a.assignment_timeout_received'),
  stats.complete().get('cluster.a.assignment_stale'),
];

describe('an assignment that says when it is stale', () => {
  it('has no hosts any more when that time is over', () => {
    arrives('2s');
    clock.advance(1999);
    expect(seen()).toEqual([1, 1, 0]);
    clock.advance(1);
    expect(seen()).toEqual([0, 1, 1]);
  });

  it('begins its time anew with the next one, which may say nothing of it', () => {
    arrives('2s');
    clock.advance(1500);
    arrives('2s');
    clock.advance(1500);
    expect(seen()).toEqual([1, 2, 0]);
    arrives();
    clock.advance(60_000);
    expect(seen()).toEqual([1, 2, 0]);
  });

  it('is of no use for a cluster that has gone', () => {
    arrives('2s');
    clusters.remove('a');
    expect(clock.pending).toBe(0);
  });

  it('is refused where that is at once, and has no time where it is less than a millisecond', () => {
    expect(() => compileEndpoints(assignment('0s'))).toThrow('value must be greater than 0s');
    arrives('0.0005s');
    expect(clock.pending).toBe(0);
  });
});
