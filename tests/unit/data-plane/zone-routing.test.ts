import { describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Cluster } from '#xds';
import { type EndpointConfig, NO_LOCALITY } from '../../../server/data-plane/config/endpoint-config.ts';
import { readBalancing } from '../../../server/data-plane/config/lb-config.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { ClusterStats } from '../../../server/data-plane/upstream/cluster-stats.ts';
import { Host } from '../../../server/data-plane/upstream/host.ts';
import { HostGroup } from '../../../server/data-plane/upstream/host-group.ts';
import type { HostChoice, PickContext } from '../../../server/data-plane/upstream/pick-context.ts';
import { PrioritySet } from '../../../server/data-plane/upstream/priority.ts';
import { ZoneRouting } from '../../../server/data-plane/upstream/zone-routing.ts';
import { createFakeClock } from './fake-clock.ts';

const HOME = 'eu/a/';
const AWAY = 'eu/b/';
const FAR = 'eu/c/';
const MANY = 2000;
const CONTEXT: PickContext = { originalDestination: undefined, hash: () => undefined };

let made = 0;
const at = (place: string, fields: Partial<EndpointConfig> = {}): Host => {
  const key = `${place}${made++}`;
  const address = { ip: key, port: 80 };
  return new Host({
    key,
    address,
    hostname: '',
    weight: 1,
    priority: 0,
    locality: { ...NO_LOCALITY, key: place },
    healthy: true,
    degraded: false,
    draining: false,
    overprovisioning: 140,
    weighsHealth: false,
    socketMatch: {},
    workload: '',
    origins: undefined,
    check: { disabled: false, address, hostname: '' },
    ...fields,
  });
};
const several = (count: number, place: string, fields: Partial<EndpointConfig> = {}): Host[] =>
  Array.from({ length: count }, () => at(place, fields));
const SICK = { healthy: false, status: 'UNHEALTHY' };

interface Zoned {
  readonly choose: () => HostChoice | undefined;
  /** Localities of many choices, by how often; `none` where nobody may be asked. */
  readonly spread: () => Record<string, number>;
  readonly stat: (name: string) => number;
  readonly callersAre: (callers: readonly Host[]) => void;
}

interface Given {
  readonly callers: readonly Host[];
  readonly hosts: readonly Host[];
  readonly zones?: object;
  readonly cluster?: Partial<Cluster>;
  readonly locality?: string | undefined;
}

function zoned({ callers, hosts, zones = {}, cluster = {}, ...given }: Given): Zoned {
  const locality = 'locality' in given ? given.locality : HOME;
  const zone_aware_lb_config = { min_cluster_size: '1', ...zones };
  const config = readBalancing({ name: 'a', ...cluster, common_lb_config: { zone_aware_lb_config } });
  const figures = new Stats();
  const stats = new ClusterStats(figures, 'a');
  const levelOf = (members: readonly Host[]) =>
    new PrioritySet({ hosts: members, panicThreshold: 50, byLocality: false }).levels[0];
  let level = levelOf(callers);
  const random = seededRandom('zones');
  const routing = new ZoneRouting({ config, local: { locality, level: () => level }, random, stats });
  const group = new HostGroup({
    config,
    clock: createFakeClock(),
    random,
    underWay: () => 0,
    panics: stats.panic,
    zones: routing,
  });
  group.setHosts(hosts, {});
  const choose = (): HostChoice | undefined => group.choose(CONTEXT);
  return {
    choose,
    spread: () => {
      const counts: Record<string, number> = {};
      for (let turn = 0; turn < MANY; turn++) {
        const place = choose()?.host.endpoint.locality.key ?? 'none';
        counts[place] = (counts[place] ?? 0) + 1;
      }
      return counts;
    },
    stat: (name) => figures.stat(`cluster.a.${name}`).value,
    callersAre: (members) => {
      level = levelOf(members);
      group.localChanged();
    },
  };
}

describe('zone aware routing', () => {
  it('keeps all requests in the zone of the proxy where its share of hosts is that of its callers', () => {
    const { spread, choose, stat } = zoned({
      callers: [at(HOME), at(AWAY)],
      hosts: [...several(2, HOME), ...several(2, AWAY)],
    });
    expect(spread()).toEqual({ [HOME]: MANY });
    expect(stat('lb_zone_routing_all_directly')).toBe(MANY);
    expect(choose()?.why()).toContain('eu/a/ has 50 % of the callers and 50 % of the healthy hosts; round robin');
  });

  it('sends what its hosts cannot take to zones in proportion to what those have to spare', () => {
    // Callers 50/50/0, hosts 25/62.5/12.5: half stays, the rest divides as 12.5 to 12.5.
    const { spread, stat } = zoned({
      callers: [...several(2, HOME), ...several(2, AWAY)],
      hosts: [...several(2, HOME), ...several(5, AWAY), at(FAR)],
    });
    const { [HOME]: home = 0, [AWAY]: away = 0, [FAR]: far = 0 } = spread();
    expect(home + away + far).toBe(MANY);
    expect(stat('lb_zone_routing_sampled')).toBe(home);
    expect(stat('lb_zone_routing_cross_zone')).toBe(away + far);
    expect(home / MANY).toBeCloseTo(0.5, 1);
    expect(away / MANY).toBeCloseTo(0.25, 1);
    expect(far / MANY).toBeCloseTo(0.25, 1);
  });

  it('never asks a zone whose own callers need all that its hosts can take', () => {
    const { spread } = zoned({
      callers: [at(HOME), ...several(2, AWAY)],
      hosts: [at(AWAY), at(FAR)],
    });
    expect(spread()).toEqual({ [FAR]: MANY });
  });

  it('weighs zones by the weights of their hosts where that is their basis', () => {
    const extension = (basis: object): Partial<Cluster> => ({
      common_lb_config: undefined as never,
      load_balancing_policy: {
        policies: [
          {
            typed_extension_config: {
              name: 'random',
              typed_config: {
                '@type': 'type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random',
                locality_lb_config: { zone_aware_lb_config: { min_cluster_size: '1', ...basis } },
              },
            },
          },
        ],
      } as never,
    });
    const read = (basis: object) => readBalancing({ name: 'a', ...extension(basis) }).zones;
    expect(read({ locality_basis: 'HEALTHY_HOSTS_WEIGHT' }).byWeight).toBe(true);
    expect(read({ force_local_zone: {} }).forcedFrom).toBe(1);
    expect(read({ force_local_zone: { min_size: 3 }, force_locality_direct_routing: true }).forcedFrom).toBe(3);
    expect(read({ force_locality_direct_routing: true }).forcedFrom).toBe(1);
    expect(read({})).toEqual({ enabledPercent: 100, minClusterSize: 1, forcedFrom: undefined, byWeight: false });
  });

  it('forces the own zone only where enough of its hosts are healthy', () => {
    const hosts = [...several(2, HOME), ...several(6, AWAY)];
    const callers = [at(HOME)];
    const enough = zoned({ callers, hosts, zones: { force_local_zone: { min_size: 2 } } });
    expect(enough.spread()).toEqual({ [HOME]: MANY });
    const tooFew = zoned({ callers, hosts, zones: { force_local_zone: { min_size: 3 } } });
    expect(tooFew.spread()[AWAY]).toBeGreaterThan(MANY / 2);
  });

  it('does not look at zones where the cluster is small, all callers are in one zone, or nobody is where the proxy is', () => {
    const hosts = [at(HOME), at(AWAY)];
    const callers = [at(HOME), at(AWAY)];
    const small = zoned({ callers, hosts, zones: { min_cluster_size: '6' } });
    expect(small.spread()).toEqual({ [HOME]: MANY / 2, [AWAY]: MANY / 2 });
    expect(small.stat('lb_zone_cluster_too_small')).toBe(2);
    expect(small.choose()?.why()).toMatch(
      /^2 healthy hosts are fewer than min_cluster_size 6, so zones do not count; /,
    );
    const together = zoned({ callers: several(2, HOME), hosts });
    expect(together.spread()).toEqual({ [HOME]: MANY / 2, [AWAY]: MANY / 2 });
    const nobody = zoned({ callers: [at(AWAY), at(FAR)], hosts });
    expect(nobody.spread()).toEqual({ [HOME]: MANY / 2, [AWAY]: MANY / 2 });
    expect(nobody.stat('lb_local_cluster_not_ok')).toBe(2);
    expect(zoned({ callers, hosts, locality: undefined }).stat('lb_local_cluster_not_ok')).toBe(2);
  });

  it('leaves out the share of requests that routing_enabled leaves out', () => {
    const { spread } = zoned({
      callers: [at(HOME), at(AWAY)],
      hosts: [at(HOME), at(AWAY)],
      zones: { routing_enabled: { value: 40 } },
    });
    // 40 % directly, and half of the rest.
    expect((spread()[HOME] ?? 0) / MANY).toBeCloseTo(0.7, 1);
    expect(
      readBalancing({ name: 'a', common_lb_config: { zone_aware_lb_config: { routing_enabled: {} } } }).zones,
    ).toEqual({ enabledPercent: 0, minClusterSize: 6, forcedFrom: undefined, byWeight: false });
  });

  it('does not look at zones, or asks nobody, where too few of the local cluster are healthy', () => {
    const callers = [at(HOME), at(AWAY, SICK), at(AWAY, SICK)];
    const hosts = [at(HOME), at(AWAY)];
    const all = zoned({ callers, hosts });
    expect(all.spread()).toEqual({ [HOME]: MANY / 2, [AWAY]: MANY / 2 });
    expect(all.stat('lb_local_cluster_not_ok')).toBe(MANY);
    const fails = zoned({ callers, hosts, zones: { fail_traffic_on_panic: true } });
    expect(fails.spread()).toEqual({ none: MANY });
  });

  it('asks any zone where no zone has room, and nobody where that zone has no host to ask', () => {
    // Nobody is healthy, so that no zone has a share.
    const { spread, stat } = zoned({
      callers: [at(HOME), at(AWAY)],
      hosts: [at(HOME, { degraded: true }), at(AWAY, { degraded: true }), at(FAR, SICK)],
      zones: { min_cluster_size: '0' },
    });
    const { [HOME]: home = 0, [AWAY]: away = 0, none = 0 } = spread();
    expect(stat('lb_zone_no_capacity_left')).toBe(MANY);
    for (const count of [home, away, none]) expect(count / MANY).toBeCloseTo(1 / 3, 1);
  });

  it('hears at once that the local cluster has other hosts', () => {
    const { spread, stat, callersAre } = zoned({
      callers: [at(HOME), at(AWAY)],
      hosts: [at(HOME), at(AWAY), at(FAR)],
    });
    callersAre([at(HOME), at(AWAY), at(FAR)]);
    expect(spread()).toEqual({ [HOME]: MANY });
    expect(stat('lb_recalculate_zone_structures')).toBe(4);
  });

  it('has no say in a second priority', () => {
    const { spread, choose } = zoned({
      callers: [at(HOME), at(AWAY)],
      hosts: [at(HOME, SICK), at(HOME, { priority: 1 }), at(AWAY, { priority: 1 })],
    });
    expect(spread()).toEqual({ [HOME]: MANY / 2, [AWAY]: MANY / 2 });
    expect(choose()?.candidates?.zone).toBeUndefined();
  });
});
