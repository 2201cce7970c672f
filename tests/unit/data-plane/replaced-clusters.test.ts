import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { type Cluster, typeUrls } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';
import { ConfigStore } from '../../../server/data-plane/config/config-store.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { ClusterManager } from '../../../server/data-plane/upstream/cluster-manager.ts';
import { createFakeClock } from './fake-clock.ts';

const endpoint = { endpoint: { address: { socket_address: { address: '1.0.0.1', port_value: 80 } } } };
const cluster = (fields: Partial<Cluster> = {}): Cluster =>
  ({
    name: 'c',
    type: 'STATIC',
    load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: [endpoint] }] },
    ...fields,
  }) as Cluster;

let stats: Stats;
let manager: ClusterManager;

const use = (fields: Partial<Cluster>): void => {
  const config = compileCluster(cluster(fields), 'v');
  manager.set(config, config.endpoints);
};
const figure = (name: string): number | undefined => stats.values().get(`cluster.c.${name}`);

beforeEach(() => {
  stats = new Stats();
  const never = (): never => {
    throw new Error('nothing is sent');
  };
  const options = { createPool: never, createProbe: never, resolve: never, onLog: () => undefined };
  manager = new ClusterManager({ clock: createFakeClock(), random: seededRandom(1), stats, ...options });
});

describe('a cluster that is sent again', () => {
  it('is no other one when nothing in it is', () => {
    const taken: string[] = [];
    const sink = new Proxy({}, { get: (_, name) => () => taken.push(String(name)) });
    const store = new ConfigStore({ sink, clock: createFakeClock(), subscribe: () => undefined } as never);
    const push = (resource: Cluster, versionInfo: string): unknown =>
      store.update({
        typeUrl: typeUrls.cluster,
        versionInfo,
        upserted: [{ name: 'c', version: versionInfo, resource }],
        removed: [],
      });
    push(cluster(), 'v1');
    push(cluster(), 'v2');
    expect([taken.filter((name) => name === 'setCluster').length, store.clusters.get('c')?.versionInfo]).toEqual([
      1,
      'v1',
    ]);
    push(cluster({ connect_timeout: '9s' }), 'v3');
    expect([taken.filter((name) => name === 'setCluster').length, store.clusters.get('c')?.versionInfo]).toEqual([
      2,
      'v3',
    ]);
  });

  it('shows what is under way in those that it replaced until that is over', () => {
    use({});
    const first = manager.get('c')!.breakers.DEFAULT;
    Object.assign(first, { connections: 2, requests: 3, pendingRequests: 1 });
    use({ connect_timeout: '9s' });
    use({ connect_timeout: '8s' });
    Object.assign(manager.get('c')!.breakers.HIGH, { connections: 1, requests: 1 });
    const shown = (): unknown[] =>
      ['upstream_cx_active', 'upstream_rq_active', 'upstream_rq_pending_active'].map(figure);
    expect(shown()).toEqual([3, 4, 1]);
    Object.assign(first, { connections: 1, requests: 0, pendingRequests: 0 });
    expect(shown()).toEqual([2, 1, 0]);
    first.connections = 0;
    expect(shown()).toEqual([1, 1, 0]);
  });

  it('has no figures of a table that its balancer does not have', () => {
    use({ lb_policy: 'RING_HASH' });
    expect(figure('ring_hash_lb.size')).toBe(1024);
    use({ lb_policy: 'MAGLEV' });
    expect([figure('ring_hash_lb.size'), figure('maglev_lb.max_entries_per_host')]).toEqual([undefined, 1]);
  });
});
