import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';
import type { PairCase, PairRequest } from './support/pairs/case-file.ts';
import { ask } from './support/pairs/client.ts';
import { startHosts, type TestHosts } from './support/pairs/hosts.ts';
import { idle } from './support/walks/walk.ts';
import { startWalkedEnvoy, startWalkedProxy, type WalkedProxy } from './support/walks/walked-proxies.ts';

type Cluster = PairCase['clusters'][string];

const THREE = ['one', 'two', 'three'];
const ahead = (predictive_preconnect_ratio: number, more: object = {}): object => ({
  preconnect_policy: { predictive_preconnect_ratio, ...more },
});

/** Who is asked first is chance, so only figures are compared, of clusters in which they do not depend on that. */
const CLUSTERS: Readonly<Record<string, Cluster>> = {
  'hosts that take turns': { hosts: THREE, ...ahead(2) },
  'as many at once as there may be': { hosts: [...THREE, 'four', 'five'], ...ahead(3) },
  'a ratio between two numbers': { hosts: THREE, ...ahead(1.5) },
  'a ratio of one': { hosts: THREE, ...ahead(1) },
  'both ratios': { hosts: THREE, ...ahead(3, { per_upstream_preconnect_ratio: 1.5 }) },
  'one host': { hosts: ['one'], ...ahead(3) },
  'a hash, which tells nobody ahead': { hosts: THREE, lb_policy: 'MAGLEV', ...ahead(3) },
  'subsets, which tell nobody ahead': {
    hosts: THREE,
    lb_subset_config: { fallback_policy: 'ANY_ENDPOINT', subset_selectors: [{ keys: ['v'] }] },
    ...ahead(3),
  },
  'unhealthy hosts in panic': {
    hosts: [
      { host: 'one', health: 'UNHEALTHY' },
      { host: 'two', health: 'UNHEALTHY' },
    ],
    ...ahead(3),
  },
  'an unhealthy host with a ratio of its own': {
    hosts: [{ host: 'one', health: 'UNHEALTHY' }],
    ...ahead(1, { per_upstream_preconnect_ratio: 3 }),
  },
  breakers: { hosts: THREE, circuit_breakers: { thresholds: [{ max_connections: 1 }] }, ...ahead(3) },
  'localities that take turns': {
    hosts: [
      { host: 'one', region: 'a', share: 1 },
      { host: 'two', region: 'b', share: 1 },
    ],
    common_lb_config: { locality_weighted_lb_config: {} },
    ...ahead(3),
  },
};

const caseOf = (c: Cluster): PairCase => ({
  name: 'ahead',
  routes: [{ match: { prefix: '/' }, route: { cluster: 'c', hash_policy: [{ header: { header_name: 'x-user' } }] } }],
  clusters: { c },
  requests: [],
});

let hosts: TestHosts;
let subnet: number;
let release: () => Promise<void>;

beforeAll(async () => {
  const lease = await leaseSubnet(seededRandom(`preconnect/${process.pid}/${performance.now()}`));
  release = () => lease.release();
  subnet = lease.subnet;
  hosts = await startHosts(subnet);
});

afterAll(async () => {
  await hosts?.stop();
  await release?.();
});

const FIGURES = /ahead\.c\.upstream_(cx_(total|active|http1_total|overflow)|rq_total)$/;

async function send(side: WalkedProxy, given: PairCase, times: number): Promise<object> {
  const request: PairRequest = {
    name: 'ask',
    headers: { 'x-user': 'ann', 'x-echo-delay-ms': times > 1 ? '100' : '0' },
    expect: { status: 200 },
  };
  const at = { ip: side.ip, port: side.portOf(given) };
  const answers = await Promise.all(Array.from({ length: times }, () => ask(request, at, side.name)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  return Object.fromEntries([...(await idle(side))].filter(([name, value]) => value > 0 && FIGURES.test(name)).sort());
}

describe('connections are made ahead as a real Envoy makes them', () => {
  it.each(Object.entries(CLUSTERS))('%s', async (_what, cluster) => {
    const given = caseOf(cluster);
    const started = { cases: [given], hosts: hosts.at };
    const envoy = await startWalkedEnvoy({ ...started, ip: `127.${subnet}.1.1` });
    const ours = await startWalkedProxy({ ...started, ip: `127.${subnet}.1.2` });
    try {
      for (const times of [1, 1, 3, 1]) expect(await send(ours, given, times)).toEqual(await send(envoy, given, times));
    } finally {
      await Promise.all([envoy.stop(), ours.stop()]);
    }
  });
});
