import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Cluster } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';
import type { HostPool } from '../../../server/data-plane/http/codec.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { NO_HASH, UpstreamCluster } from '../../../server/data-plane/upstream/cluster.ts';
import { preconnect } from '../../../server/data-plane/upstream/preconnect.ts';
import { createFakeClock } from './fake-clock.ts';

const endpoint = (port: number, weight: number) => ({
  load_balancing_weight: weight,
  endpoint: { address: { socket_address: { address: '10.0.0.1', port_value: port } } },
});

/** Ports of hosts to which a connection was made ahead. */
let ahead: number[];
beforeEach(() => {
  ahead = [];
});

/** A pool whose connections are never used: each of them is room for one stream. */
const idlePool = (port: number): HostPool => {
  const pool = {
    activeStreams: 0,
    pendingStreams: 0,
    freeStreams: 0,
    preconnect() {
      ahead.push(port);
      pool.freeStreams++;
      return true;
    },
  };
  return pool as unknown as HostPool;
};

interface Given {
  readonly fields?: Partial<Cluster>;
  readonly weights?: readonly number[];
  readonly others?: () => Iterable<UpstreamCluster>;
}

function clusterOf({ fields = {}, weights = [1, 1, 1], others }: Given = {}): UpstreamCluster {
  const given = {
    name: 'a',
    type: 'STATIC',
    preconnect_policy: { predictive_preconnect_ratio: 3 },
    load_assignment: {
      cluster_name: 'a',
      endpoints: [{ lb_endpoints: weights.map((weight, i) => endpoint(i + 1, weight)) }],
    },
    ...fields,
  } as Cluster;
  const config = compileCluster(given, 'v');
  const never = (): never => {
    throw new Error('nothing is looked up');
  };
  const cluster = new UpstreamCluster({
    config,
    clock: createFakeClock(),
    random: seededRandom('foresight'),
    stats: new Stats(),
    createPool: (_cluster, host) => idlePool(host.address.port),
    createProbe: never,
    resolve: never,
    onLog: () => undefined,
    ...(others && { clusters: others }),
  });
  cluster.setEndpoints(config.endpoints);
  cluster.serve();
  return cluster;
}

const request = { protocol: 'HTTP/1.1', authority: 'a' } as const;
const pick = (cluster: UpstreamCluster): number =>
  cluster.pick({ originalDestination: undefined, hash: NO_HASH })?.host.address.port ?? Number.NaN;

describe('hosts that are foreseen', () => {
  it.each<[string, Given]>([
    ['take turns', {}],
    ['have weights', { weights: [1, 4, 2] }],
    ['are drawn', { fields: { lb_policy: 'RANDOM' } }],
    ['have weights and few requests', { fields: { lb_policy: 'LEAST_REQUEST' }, weights: [1, 4, 2] }],
  ])('are the ones that are chosen next, where hosts %s', (_how, given) => {
    const cluster = clusterOf(given);
    for (let round = 0; round < 20; round++) {
      const foreseen = [cluster.foresight.foresee(), cluster.foresight.foresee()];
      expect([pick(cluster), pick(cluster)]).toEqual(foreseen.map((host) => host?.address.port));
    }
  });

  it.each<[string, Partial<Cluster>]>([
    ['the fewest requests decide', { lb_policy: 'LEAST_REQUEST' }],
    ['a hash decides', { lb_policy: 'RING_HASH' }],
    ['a subset does', { lb_subset_config: { fallback_policy: 'ANY_ENDPOINT', subset_selectors: [{ keys: ['v'] }] } }],
  ])('are none where %s', (_what, fields) => {
    expect(clusterOf({ fields }).foresight.foresee()).toBeUndefined();
  });

  it('are no more than there are healthy ones, and others once the hosts are', () => {
    const cluster = clusterOf();
    const foreseen = Array.from({ length: 4 }, () => cluster.foresight.foresee());
    expect(foreseen.map((host) => host !== undefined)).toEqual([true, true, true, false]);
    cluster.setEndpoints(cluster.hosts.slice(0, 1).map((host) => host.endpoint));
    expect([pick(cluster), pick(cluster)]).toEqual([1, 1]);
  });
});

describe('connections made ahead', () => {
  it('are at most three for one stream, to the hosts that come next', () => {
    const cluster = clusterOf({ weights: [1, 1, 1, 1, 1] });
    const first = pick(cluster);
    preconnect(cluster, 'DEFAULT', request);
    expect(ahead).toHaveLength(3);
    expect(ahead).toEqual([1, 2, 3].map((step) => ((first - 1 + step) % 5) + 1));
  });

  it('are as many as the ratio wants beyond what is idle', () => {
    const cluster = clusterOf({
      fields: { preconnect_policy: { predictive_preconnect_ratio: 2 } } as Partial<Cluster>,
    });
    for (const _stream of [1, 2]) preconnect(cluster, 'DEFAULT', request);
    expect(ahead).toHaveLength(2);
  });

  it('are none while what is idle in other clusters would do, as in Envoy', () => {
    const both: UpstreamCluster[] = [];
    const others = (): Iterable<UpstreamCluster> => both;
    both.push(clusterOf({ others }), clusterOf({ others }));
    preconnect(both[0]!, 'DEFAULT', request);
    expect(ahead).toHaveLength(3);
    preconnect(both[1]!, 'DEFAULT', request);
    expect(ahead).toHaveLength(3);
  });
});
