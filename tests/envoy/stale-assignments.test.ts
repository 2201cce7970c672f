import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';
import type { PairCase } from './support/pairs/case-file.ts';
import { startHosts, type TestHosts } from './support/pairs/hosts.ts';
import { waitFor } from './support/wait.ts';
import { startWalkedEnvoy, startWalkedProxy, type WalkedProxy } from './support/walks/walked-proxies.ts';

const FIGURES = /\.(assignment_(stale|timeout_received)|membership_(total|change)|update_(no_rebuild|rejected))$/;
const STALE_MS = 10_000;

const assigned = (name: string, after?: string): PairCase => ({
  name,
  routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }],
  requests: [],
  clusters: {
    c: { type: 'EDS', hosts: ['one', 'two'], ...(after !== undefined && { policy: { endpoint_stale_after: after } }) },
  },
});
const first = [assigned('soon', '1s'), assigned('never'), assigned('late', '100s'), assigned('once', '1s')];

let hosts: TestHosts;
let sides: WalkedProxy[];
let release: () => Promise<void>;

beforeAll(async () => {
  const lease = await leaseSubnet(seededRandom(`stale/${process.pid}/${performance.now()}`));
  release = () => lease.release();
  hosts = await startHosts(lease.subnet);
  const given = { cases: first, hosts: hosts.at };
  sides = [
    await startWalkedEnvoy({ ...given, ip: `127.${lease.subnet}.1.1` }),
    await startWalkedProxy({ ...given, ip: `127.${lease.subnet}.1.2` }),
  ];
});

afterAll(async () => {
  await Promise.all((sides ?? []).map((side) => side.stop()));
  await hosts?.stop();
  await release?.();
});

/** Figures once the hosts of these clusters have been forgotten so often. */
const whenStale = (side: WalkedProxy, times: Readonly<Record<string, number>>): Promise<object> =>
  waitFor(`${side.name} forgets hosts`, STALE_MS, async () => {
    const figures = await side.figures();
    const isStale = ([name, count]: [string, number]): boolean =>
      figures.get(`cluster.${name}.c.assignment_stale`) === count;
    if (!Object.entries(times).every(isStale)) return undefined;
    const moved = [...figures].filter(
      ([name, value]) => value > 0 && name.startsWith('cluster.') && FIGURES.test(name),
    );
    return Object.fromEntries(moved.sort());
  });

it('hosts whose assignment is not sent again in time are forgotten as a real Envoy forgets them', async () => {
  const both = async (times: Readonly<Record<string, number>>): Promise<void> => {
    const [envoy, ours] = await Promise.all(sides.map((side) => whenStale(side, times)));
    expect(ours).toEqual(envoy);
  };
  await both({ soon: 1, once: 1 });
  const next = [assigned('soon', '1s'), assigned('never', '1s'), assigned('late', '0.0005s'), assigned('once', '0s')];
  await Promise.all(sides.map((side) => side.assign(next)));
  await both({ soon: 2, never: 1, once: 1 });
}, 40_000);
