import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Cluster } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { ClusterManager } from '../../../server/data-plane/upstream/cluster-manager.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

const DNS = 'type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster';

let clock: FakeClock;
let stats: Stats;
let manager: ClusterManager;
/** What each name leads to; an absent one does not resolve. */
let names: Record<string, readonly string[]>;
let asked: string[];
/** How long answers may be kept. */
let ttlS: number;
/** Before that nobody is told anything. */
let answered: Promise<void> | undefined;

const config = (fields: object, hosts: readonly string[] = ['shop']): Cluster =>
  ({
    name: 'c',
    type: 'STRICT_DNS',
    load_assignment: {
      cluster_name: 'c',
      endpoints: [
        {
          lb_endpoints: hosts.map((address) => ({
            endpoint: { address: { socket_address: { address, port_value: 80 } } },
          })),
        },
      ],
    },
    ...fields,
  }) as Cluster;

const told = async (): Promise<void> => {
  for (let turn = 0; turn < 9; turn++) await Promise.resolve();
};
const use = async (fields: object, hosts?: readonly string[]): Promise<void> => {
  manager.set(compileCluster(config(fields, hosts), 'v'), []);
  await told();
};
const pass = async (ms: number): Promise<void> => {
  clock.advance(ms);
  await told();
};
const keys = (): string[] | undefined => manager.get('c')?.hosts.map(({ key }) => key);
const count = (name: string): number => stats.values().get(`cluster.c.${name}`) ?? 0;

beforeEach(() => {
  clock = createFakeClock();
  stats = new Stats();
  names = { shop: ['1.1.1.1', '1.1.1.2'] };
  asked = [];
  ttlS = 0;
  answered = undefined;
  const never = (): never => {
    throw new Error('nothing is sent');
  };
  manager = new ClusterManager({
    clock,
    random: seededRandom(1),
    stats,
    createPool: never,
    createProbe: never,
    resolve: async (name) => {
      asked.push(name);
      await answered;
      const found = names[name];
      if (found === undefined) throw new Error('no such name');
      return { addresses: found, ttlS };
    },
    onLog: () => undefined,
  });
});

describe('hosts by name', () => {
  it('are asked for at the refresh rate; the same addresses change nothing, in whatever order', async () => {
    await use({ dns_refresh_rate: '2s' });
    expect(keys()).toEqual(['1.1.1.1:80', '1.1.1.2:80']);
    names['shop'] = ['1.1.1.2', '1.1.1.1'];
    await pass(2000);
    names['shop'] = ['1.1.1.2'];
    await pass(2000);
    expect(keys()).toEqual(['1.1.1.2:80']);
    expect(['update_attempt', 'update_success', 'update_no_rebuild', 'membership_change'].map(count)).toEqual([
      3, 3, 1, 2,
    ]);
  });

  it.each([
    [true, 3, 3000],
    [true, 0, 2000],
    [false, 3, 2000],
  ])(
    'are asked for by the time of the answer where the cluster respects it (%j, %i s: after %i ms)',
    async (respects, seconds, waitMs) => {
      ttlS = seconds;
      await use({ dns_refresh_rate: '2s', respect_dns_ttl: respects });
      await pass(waitMs - 1);
      expect(asked).toEqual(['shop']);
      await pass(1);
      expect(asked).toEqual(['shop', 'shop']);
    },
  );

  it('stay while their name does not resolve; the wait doubles up to its limit', async () => {
    await use({ dns_refresh_rate: '1s', dns_failure_refresh_rate: { base_interval: '2s', max_interval: '5s' } });
    delete names['shop'];
    await pass(1000);
    expect([keys()?.length, count('update_failure')]).toEqual([2, 1]);
    // Waits are below 2, 4, 5, 5 … seconds by chance.
    for (const limit of [2000, 4000, 5000, 5000]) {
      const before = asked.length;
      await pass(limit);
      expect(asked.length).toBeGreaterThan(before);
    }
    expect(keys()?.length).toBe(2);
  });

  it('are asked for each in its own time, with jitter', async () => {
    names['cart'] = ['2.2.2.2'];
    await use({ dns_refresh_rate: '1s', dns_jitter: '1s' }, ['shop', 'cart', '3.3.3.3']);
    expect(keys()).toEqual(['1.1.1.1:80', '1.1.1.2:80', '2.2.2.2:80', '3.3.3.3:80']);
    await pass(999);
    expect(asked).toEqual(['shop', 'cart']);
    await pass(1001);
    expect(asked.length).toBeGreaterThanOrEqual(4);
    expect(count('membership_change')).toBe(3);
  });

  it('go when their name has no address any more, which counts as an answer', async () => {
    await use({ dns_refresh_rate: '1s', dns_failure_refresh_rate: { base_interval: '100s', max_interval: '100s' } });
    names['shop'] = [];
    await pass(1000);
    await pass(1000);
    expect(keys()).toEqual([]);
    expect(['update_success', 'update_failure', 'update_no_rebuild', 'membership_change'].map(count)).toEqual([
      3, 0, 1, 2,
    ]);
  });

  it('are not there where only addresses of IPv6 are asked for, but for those that are written themselves', async () => {
    await use({ dns_lookup_family: 'V6_ONLY' }, ['shop', '3.3.3.3']);
    expect(keys()).toEqual(['3.3.3.3:80']);
  });

  it('are two where two names lead to one address, and one where a name tells it twice', async () => {
    names['cart'] = ['1.1.1.1', '1.1.1.1'];
    await use({}, ['shop', 'cart']);
    expect(keys()).toEqual(['1.1.1.1:80', '1.1.1.2:80', '1.1.1.1:80']);
    expect([count('membership_total'), count('membership_change')]).toEqual([3, 2]);
  });

  it('count by the policy of their assignment', async () => {
    const { load_assignment } = config({}) as { load_assignment: object };
    await use({ load_assignment: { ...load_assignment, policy: { overprovisioning_factor: 200 } } });
    expect(manager.get('c')?.hosts[0]?.endpoint.overprovisioning).toBe(200);
  });

  it('are asked for no sooner than the least that the cluster allows', async () => {
    ttlS = 1;
    const typed_config = { '@type': DNS, respect_dns_ttl: true, dns_min_refresh_rate: '3s' };
    await use({ type: undefined, cluster_type: { name: 'dns', typed_config } });
    await pass(2999);
    expect(asked).toEqual(['shop']);
    await pass(1);
    expect(asked).toEqual(['shop', 'shop']);
  });

  it('are one host of a LOGICAL_DNS cluster, another one whenever addresses or their order change; without any it stays', async () => {
    await use({ type: 'LOGICAL_DNS', dns_refresh_rate: '1s' });
    const [first] = manager.get('c')!.hosts;
    expect(first?.endpoint.furtherAddresses).toEqual([{ ip: '1.1.1.2', port: 80 }]);
    await pass(1000);
    expect(manager.get('c')!.hosts).toEqual([first]);
    names['shop'] = ['1.1.1.1', '1.1.1.3'];
    await pass(1000);
    const [second] = manager.get('c')!.hosts;
    expect([second?.key, second === first]).toEqual(['1.1.1.1:80', false]);
    names['shop'] = [];
    await pass(1000);
    expect(manager.get('c')!.hosts).toEqual([second]);
    expect(['update_success', 'update_failure', 'update_no_rebuild', 'membership_change'].map(count)).toEqual([
      3, 1, 1, 2,
    ]);
  });

  it.each([
    [undefined, false],
    [false, true],
  ])('that nobody has told yet hold a cluster back unless it says %j: it serves: %j', async (waits, serves) => {
    answered = new Promise(() => undefined);
    await use({ ...(waits === false && { wait_for_warm_on_init: false }) });
    expect(manager.get('c') !== undefined).toBe(serves);
  });

  it('serve once the first of them has been asked for: the former cluster does until then', async () => {
    await use({});
    manager.set(compileCluster(config({ connect_timeout: '9s' }), 'v2'), []);
    expect(manager.get('c')?.config.connectTimeoutMs).toBe(5000);
    expect(keys()?.length).toBe(2);
    await told();
    expect(manager.get('c')?.config.connectTimeoutMs).toBe(9000);
    expect(keys()?.length).toBe(2);
  });

  it.each([
    [{ type: 'LOGICAL_DNS' }, ['1.1.1.1:80']],
    [{ type: undefined, cluster_type: { name: 'envoy.cluster.logical_dns' } }, ['1.1.1.1:80']],
    [{ type: undefined, cluster_type: { name: 'envoy.cluster.strict_dns' } }, ['1.1.1.1:80', '1.1.1.2:80']],
    [
      { type: undefined, cluster_type: { name: 'dns', typed_config: { '@type': DNS, dns_refresh_rate: '9s' } } },
      ['1.1.1.1:80', '1.1.1.2:80'],
    ],
    [
      {
        type: undefined,
        cluster_type: { name: 'dns', typed_config: { '@type': DNS, all_addresses_in_single_endpoint: true } },
      },
      ['1.1.1.1:80'],
    ],
  ])('of a cluster with %j are %j', async (fields, wanted) => {
    await use(fields);
    expect(keys()).toEqual(wanted);
  });
});
