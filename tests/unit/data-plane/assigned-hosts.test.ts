import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Cluster, ClusterLoadAssignment } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';
import { compileEndpoints } from '../../../server/data-plane/config/endpoint-config.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { NO_HASH, UpstreamCluster } from '../../../server/data-plane/upstream/cluster.ts';
import { createFakeClock } from './fake-clock.ts';

interface Given {
  readonly port: number;
  readonly priority?: number;
  readonly region?: string;
  readonly hostname?: string;
  readonly weight?: number;
  readonly health?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const assignment = (hosts: readonly Given[], policy: object = {}) =>
  ({
    cluster_name: 'a',
    policy,
    endpoints: hosts.map(({ port, priority = 0, region, hostname = '', weight = 1, health = 'HEALTHY', labels }) => ({
      priority,
      ...(region !== undefined && { locality: { region } }),
      lb_endpoints: [
        {
          load_balancing_weight: weight,
          health_status: health,
          endpoint: { hostname, address: { socket_address: { address: '10.0.0.1', port_value: port } } },
          ...(labels && { metadata: { filter_metadata: { 'envoy.lb': labels } } }),
        },
      ],
    })),
  }) as ClusterLoadAssignment;

let stats: Stats;
beforeEach(() => {
  stats = new Stats();
});

function serving(hosts: readonly Given[], fields: Partial<Cluster> = {}) {
  const config = compileCluster(
    { name: 'a', type: 'EDS', eds_cluster_config: { eds_config: { ads: {} } }, ...fields } as Cluster,
    'v',
  );
  const never = (): never => {
    throw new Error('nothing is sent');
  };
  const cluster = new UpstreamCluster({
    config,
    clock: createFakeClock(),
    random: seededRandom(1),
    stats,
    createPool: never,
    createProbe: () => ({ run: () => undefined, abandon: () => undefined, close: () => undefined }),
    resolve: never,
    onLog: () => undefined,
  });
  const assign = (next: readonly Given[], policy?: object): void =>
    cluster.setEndpoints(compileEndpoints(assignment(next, policy)));
  assign(hosts);
  cluster.serve();
  return { cluster, assign };
}

const ports = (cluster: UpstreamCluster): number[] => cluster.hosts.map(({ address }) => address.port);
const figure = (name: string): number => stats.values().get(`cluster.a.${name}`) ?? 0;

describe('the hosts of an assignment', () => {
  it('stand by their priorities, those of one priority in the order of the assignment', () => {
    const { cluster, assign } = serving([{ port: 1, priority: 1 }, { port: 2 }, { port: 3 }]);
    expect(ports(cluster)).toEqual([2, 3, 1]);
    assign([{ port: 4 }, { port: 3 }, { port: 1, priority: 1 }, { port: 2 }]);
    expect(ports(cluster)).toEqual([4, 3, 2, 1]);
  });

  it('take turns in that order, with those that came later', () => {
    const { cluster, assign } = serving([{ port: 1 }, { port: 2 }]);
    assign([{ port: 3 }, { port: 2 }, { port: 1 }]);
    const pick = (): number =>
      cluster.pick({ originalDestination: undefined, hash: NO_HASH })?.host.address.port ?? Number.NaN;
    const turns = Array.from({ length: 6 }, pick).join('');
    expect('321321321').toContain(turns);
  });

  it('keep their order where nothing about their priority differs but that', () => {
    const { cluster, assign } = serving([{ port: 1 }, { port: 2 }, { port: 3, priority: 1 }]);
    assign([{ port: 2 }, { port: 1 }, { port: 3, priority: 1, weight: 2 }]);
    expect(ports(cluster)).toEqual([1, 2, 3]);
    expect(figure('update_no_rebuild')).toBe(0);
    assign([{ port: 2 }, { port: 1 }, { port: 3, priority: 1, weight: 2 }]);
    expect(figure('update_no_rebuild')).toBe(1);
  });

  it('count as changed by their health only if balancing would treat them otherwise', () => {
    const { assign } = serving([{ port: 1, health: 'UNHEALTHY' }]);
    assign([{ port: 1, health: 'TIMEOUT' }]);
    expect(figure('update_no_rebuild')).toBe(1);
    assign([{ port: 1, health: 'DEGRADED' }]);
    expect(figure('update_no_rebuild')).toBe(1);
  });

  it.each([
    ['in another locality', { region: 'west' }],
    ['under another name', { hostname: 'b.test' }],
  ])('are others %s: nothing that was known of them counts', (_where, other) => {
    const host = { port: 1, region: 'east', hostname: 'a.test' };
    const { cluster, assign } = serving([host]);
    const [former] = cluster.hosts;
    former!.answered(200);
    assign([{ ...host, ...other }]);
    expect(cluster.hosts[0]).not.toBe(former);
    expect(cluster.hosts[0]!.figures.rqSuccess).toBe(0);
    expect(figure('membership_change')).toBe(2);
  });

  it('are the same in another priority, which changes the members of both', () => {
    const { cluster, assign } = serving([{ port: 1 }, { port: 2 }]);
    const former = cluster.hosts[1];
    assign([{ port: 1 }, { port: 2, priority: 1 }]);
    expect(cluster.hosts[1]).toBe(former);
    expect(figure('membership_change')).toBe(3);
  });

  it('keep in another locality what health checks have found of them', () => {
    const checks = {
      health_checks: [
        { timeout: '1s', interval: '5s', unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {} },
      ],
    } as Partial<Cluster>;
    const { cluster, assign } = serving([{ port: 1, region: 'east' }], checks);
    cluster.hosts[0]!.failedCheck = false;
    assign([{ port: 1, region: 'west' }]);
    expect(cluster.hosts[0]!.failedCheck).toBe(false);
    // One that shuts down stays as long as its checks pass, as all others do.
    assign([{ port: 1, region: 'west', health: 'DRAINING' }]);
    assign([]);
    expect(cluster.hosts.map(({ pendingRemoval }) => pendingRemoval)).toEqual([true]);
  });

  it('are no longer counted as ejected when they leave', () => {
    const { cluster, assign } = serving([{ port: 1 }, { port: 2 }], {
      outlier_detection: { consecutive_5xx: 1, max_ejection_percent: 100, enforcing_consecutive_5xx: 100 },
    } as Partial<Cluster>);
    cluster.report(cluster.hosts[0]!, { status: 500 });
    expect(figure('outlier_detection.ejections_active')).toBe(1);
    assign([{ port: 2 }]);
    expect(figure('outlier_detection.ejections_active')).toBe(0);
  });

  it('count once, as they first stand there', () => {
    const { cluster } = serving([
      { port: 1, weight: 2 },
      { port: 1, priority: 1, weight: 5 },
    ]);
    expect(cluster.hosts.map(({ endpoint }) => [endpoint.priority, endpoint.weight])).toEqual([[0, 2]]);
  });

  it('are counted in each assignment by how they are reached, and once more with other metadata', () => {
    const { assign } = serving([{ port: 1, labels: { v: '1' } }, { port: 2 }]);
    expect(figure('default.total_match_count')).toBe(2);
    assign([{ port: 1, labels: { v: '2' } }, { port: 2 }]);
    expect(figure('default.total_match_count')).toBe(5);
  });

  it('tell the weight of the heaviest one of the last priority that there ever was', () => {
    const { assign } = serving([]);
    expect(figure('max_host_weight')).toBe(1);
    assign([
      { port: 1, weight: 7 },
      { port: 2, weight: 3, priority: 1 },
    ]);
    expect(figure('max_host_weight')).toBe(3);
    assign([{ port: 1, weight: 7 }]);
    expect(figure('max_host_weight')).toBe(1);
  });

  it('give up their connections with every assignment where the cluster wishes so', () => {
    const { cluster, assign } = serving([{ port: 1 }], {
      common_lb_config: { close_connections_on_host_set_change: true },
    } as Partial<Cluster>);
    let given = 0;
    cluster.hosts[0]!.renewConnections = () => void given++;
    assign([{ port: 1 }]);
    expect(given).toBe(1);
  });

  it('are balanced anew in all priorities when the policy of the assignment is another', () => {
    const { cluster, assign } = serving([{ port: 1 }, { port: 2, priority: 1 }]);
    const updates = (): number => stats.values().get('cluster_manager.cluster_updated') ?? 0;
    const before = updates();
    assign([{ port: 1 }, { port: 2, priority: 1 }], { overprovisioning_factor: 100 });
    expect(updates() - before).toBe(2);
    expect(cluster.levels.map(({ factor }) => factor)).toEqual([100, 100]);
  });
});

describe('the weight of a locality', () => {
  it('counts only where the locality is named', () => {
    const weightOf = (locality: object | undefined): number | undefined =>
      compileEndpoints({
        cluster_name: 'a',
        endpoints: [
          {
            ...(locality && { locality }),
            load_balancing_weight: 3,
            lb_endpoints: [{ endpoint: { address: { socket_address: { address: '10.0.0.1', port_value: 1 } } } }],
          },
        ],
      } as ClusterLoadAssignment)[0]?.locality.weight;
    expect([weightOf({}), weightOf({ region: 'east' }), weightOf(undefined)]).toEqual([3, 3, 0]);
  });

  it('is the last that is given of several entries in one priority', () => {
    const entry = (port: number, fields: object): object => ({
      locality: { region: 'east' },
      ...fields,
      lb_endpoints: [{ endpoint: { address: { socket_address: { address: '10.0.0.1', port_value: port } } } }],
    });
    const entries = [{ load_balancing_weight: 1 }, { load_balancing_weight: 5 }, {}, { priority: 1 }];
    const endpoints = entries.map((fields, i) => entry(i + 1, fields));
    const compiled = compileEndpoints({ cluster_name: 'a', endpoints } as ClusterLoadAssignment);
    expect(compiled.map(({ locality }) => locality.weight)).toEqual([5, 5, 5, 0]);
  });
});
