import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Cluster } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';
import { compileEndpoints } from '../../../server/data-plane/config/endpoint-config.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { ClusterManager } from '../../../server/data-plane/upstream/cluster-manager.ts';
import type { HostChoice } from '../../../server/data-plane/upstream/pick-context.ts';
import { TriedPriorities } from '../../../server/data-plane/upstream/tried-priorities.ts';
import { createFakeClock } from './fake-clock.ts';

interface Given {
  readonly ip: string;
  readonly priority?: number;
  readonly health?: string;
}

let manager: ClusterManager;

const assignment = (hosts: readonly Given[]) => ({
  cluster_name: 'c',
  endpoints: hosts.map(({ ip, priority = 0, health = 'HEALTHY' }) => ({
    priority,
    lb_endpoints: [
      { health_status: health, endpoint: { address: { socket_address: { address: ip, port_value: 80 } } } },
    ],
  })),
});

const member = (name: string, hosts: readonly Given[], fields: object = {}): void => {
  const cluster = { name, type: 'STATIC', load_assignment: assignment(hosts), ...fields } as unknown as Cluster;
  const compiled = compileCluster(cluster, 'v');
  manager.set(compiled, compileEndpoints(cluster.load_assignment!));
};

const aggregate = (clusters: readonly string[], fields: object = {}): Cluster =>
  ({
    name: 'all',
    lb_policy: 'CLUSTER_PROVIDED',
    cluster_type: {
      name: 'envoy.clusters.aggregate',
      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig', clusters },
    },
    ...fields,
  }) as unknown as Cluster;

const use = (clusters: readonly string[], fields: object = {}): void =>
  manager.set(compileCluster(aggregate(clusters, fields), 'v'), []);

const pick = (priorities?: TriedPriorities): HostChoice | undefined =>
  manager.get('all')?.pick({
    originalDestination: undefined,
    hash: () => undefined,
    tried: priorities && { avoid: new Set(), redraws: 0, omits: () => false, priorities },
  });
const picks = (times = 1000): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (let turn = 0; turn < times; turn++) {
    const key = pick()?.host.key ?? 'none';
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
};

beforeEach(() => {
  const never = (): never => {
    throw new Error('nothing is sent');
  };
  manager = new ClusterManager({
    clock: createFakeClock(),
    random: seededRandom(1),
    stats: new Stats(),
    createPool: never,
    createProbe: never,
    resolve: never,
    onLog: () => undefined,
  });
});

describe('an aggregate cluster', () => {
  it('asks the first member as long as enough of its hosts are healthy', () => {
    member('a', [{ ip: '1.0.0.1' }, { ip: '1.0.0.2' }, { ip: '1.0.0.3' }, { ip: '1.0.0.4', health: 'UNHEALTHY' }]);
    member('b', [{ ip: '2.0.0.1' }]);
    use(['a', 'b']);
    expect(Object.keys(picks()).every((key) => key.startsWith('1.'))).toBe(true);
  });

  it('gives the next priority in the line what the first one cannot take', () => {
    member('a', [{ ip: '1.0.0.1' }, { ip: '1.0.0.2', health: 'UNHEALTHY' }]);
    member('b', [{ ip: '2.0.0.1' }]);
    use(['a', 'b']);
    // Half of the hosts, times 1.4, are 70 %.
    const { '1.0.0.1:80': first = 0, '2.0.0.1:80': second = 0 } = picks();
    expect(first + second).toBe(1000);
    expect(first).toBeGreaterThan(650);
    expect(first).toBeLessThan(750);
  });

  it('has the priorities of a member stand before those of the next member', () => {
    member('a', [
      { ip: '1.0.0.1', health: 'UNHEALTHY' },
      { ip: '1.0.0.2', priority: 1 },
    ]);
    member('b', [{ ip: '2.0.0.1' }]);
    use(['a', 'b']);
    expect(picks(50)).toEqual({ '1.0.0.2:80': 50 });
  });

  it('leaves out members that are not there and priorities without hosts', () => {
    member('a', [{ ip: '1.0.0.9', priority: 2 }]);
    use(['gone', 'a']);
    expect(picks(5)).toEqual({ '1.0.0.9:80': 5 });
  });

  it('has no host where no member has one', () => {
    member('a', []);
    use(['a', 'gone']);
    expect(pick()).toBeUndefined();
    expect(manager.get('all')?.stats.noHealthy.value).toBe(1);
  });

  it('follows a member whose hosts change, and one that comes later', () => {
    member('a', [{ ip: '1.0.0.1' }]);
    use(['late', 'a']);
    expect(picks(5)).toEqual({ '1.0.0.1:80': 5 });
    member('late', [{ ip: '9.0.0.1' }]);
    expect(picks(5)).toEqual({ '9.0.0.1:80': 5 });
    manager.get('late')?.setEndpoints([]);
    expect(picks(5)).toEqual({ '1.0.0.1:80': 5 });
  });

  it('goes on in the line where a retry leaves out the priority that was tried', () => {
    member('a', [{ ip: '1.0.0.1' }]);
    member('b', [{ ip: '2.0.0.1' }]);
    use(['a', 'b']);
    const tried = new TriedPriorities(1);
    const first = pick(tried);
    tried.add(first?.candidates?.priority ?? -1);
    expect([first?.host.key, pick(tried)?.host.key]).toEqual(['1.0.0.1:80', '2.0.0.1:80']);
  });

  it('tells which member takes how much, and then why its balancer chose the host', () => {
    member('a', [{ ip: '1.0.0.1', health: 'UNHEALTHY' }]);
    member('b', [{ ip: '2.0.0.1' }]);
    use(['a', 'b']);
    expect(pick()?.why()).toBe(
      'member b, priority 0 (1 of 1 healthy), takes 100 % of the load of 2 priorities in a line; round robin: the turn of host 1 of 1',
    );
  });

  it('is refused without members and with a balancer of its own', () => {
    expect(() => compileCluster(aggregate([]), 'v')).toThrow(/clusters: value must contain at least 1 item/);
    expect(() => compileCluster(aggregate(['a'], { lb_policy: 'ROUND_ROBIN' }), 'v')).toThrow(
      /cluster provided LB not specified but cluster 'all' provided one/,
    );
  });
});
