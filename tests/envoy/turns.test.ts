import { Agent, request as httpRequest } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';
import type { PairCase, PairHost } from './support/pairs/case-file.ts';
import { startHosts, type TestHosts } from './support/pairs/hosts.ts';
import { startWalkedEnvoy, startWalkedProxy, type WalkedProxy } from './support/walks/walked-proxies.ts';

type Member = Exclude<PairHost, string>;

const NAMES = ['one', 'two', 'three', 'four', 'five'] as const;
const WINDOW_MS = 1500;

const weighing = (...weights: number[]): Member[] => weights.map((weight, i) => ({ host: NAMES[i]!, weight }));
const placed = (...places: [region: string, share: number][]): Member[] =>
  places.map(([region, share], i) => ({ host: NAMES[i]!, region, share }));

/** A cluster with its hosts at first, and after each move. */
interface Turns {
  readonly name: string;
  readonly cluster: object;
  readonly moves: readonly (readonly Member[])[];
}

const ROUND = { lb_policy: 'ROUND_ROBIN' };
const LEAST = { lb_policy: 'LEAST_REQUEST' };
const BY_PLACE = { common_lb_config: { update_merge_window: '0s', locality_weighted_lb_config: {} } };
const tables: readonly Turns[] = [
  { name: 'few', cluster: ROUND, moves: [weighing(1, 3, 2), weighing(3, 1, 2), weighing(3, 1)] },
  { name: 'decimal', cluster: ROUND, moves: [weighing(10, 1), weighing(10, 3, 6, 1), weighing(7, 3, 3)] },
  { name: 'uneven', cluster: ROUND, moves: [weighing(3, 7, 11, 13), weighing(49, 7, 7, 1), weighing(13, 11, 7, 3, 1)] },
  { name: 'steep', cluster: ROUND, moves: [weighing(60, 1, 1), weighing(1, 60, 30, 1, 1), weighing(1, 1, 1)] },
  { name: 'least', cluster: LEAST, moves: [weighing(1, 3, 2), weighing(10, 1), weighing(7, 3, 3, 5)] },
  {
    name: 'unbiased',
    cluster: { ...LEAST, least_request_lb_config: { active_request_bias: { default_value: 0, runtime_key: 'none' } } },
    moves: [weighing(1, 3, 2), weighing(2, 5)],
  },
  {
    name: 'places',
    cluster: { ...ROUND, ...BY_PLACE },
    moves: [placed(['a', 3], ['a', 3], ['b', 1]), placed(['a', 2], ['b', 5], ['c', 3]), placed(['b', 1], ['a', 4])],
  },
];

/** What hosts take turns as: themselves, or their locality where these have weights. */
const shareOf = (members: readonly Member[], host: string): string =>
  members.find((each) => each.host === host)?.region ?? host;
const sharesOf = (members: readonly Member[]): Map<string, { weight: number }> =>
  new Map(members.map(({ host, region, weight, share }) => [region ?? host, { weight: share ?? weight ?? 1 }]));

/**
 * Whether there is a place from which on two rounds of turns come by earliest deadline. Who of two with one deadline comes first
 * hangs on what sums of fractions lose, and so on where a schedule began: that is chance.
 */
function keepsDeadlines(order: readonly string[], shares: Map<string, { weight: number }>, round: number): boolean {
  const keepsFrom = (start: number): boolean => {
    const deadlines = new Map([...shares].map(([name, { weight }]) => [name, 1 / weight]));
    return order.slice(start, start + 2 * round).every((name) => {
      const deadline = deadlines.get(name) ?? Number.POSITIVE_INFINITY;
      const isEarliest = deadline - Math.min(...deadlines.values()) < 1e-6;
      deadlines.set(name, deadline + 1 / (shares.get(name)?.weight ?? 1));
      return isEarliest;
    });
  };
  return Array.from({ length: round }, (_, start) => start).some(keepsFrom);
}

const slowly = (leastPercent: number): object => ({
  ...ROUND,
  round_robin_lb_config: {
    slow_start_config: { slow_start_window: `${WINDOW_MS / 1000}s`, min_weight_percent: { value: leastPercent } },
  },
});
const slow: readonly Turns[] = [0, 25].map((least) => ({
  name: `slow${least}`,
  cluster: slowly(least),
  moves: [weighing(1), weighing(1, 1)],
}));

const caseOf = ({ name, cluster, moves }: Turns, move: number): PairCase => ({
  name,
  routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }],
  clusters: {
    c: { type: 'EDS', common_lb_config: { update_merge_window: '0s' }, ...cluster, hosts: moves[move] ?? [] },
  },
  requests: [],
});

describe('hosts take turns as behind a real Envoy', () => {
  const all = [...tables, ...slow];
  const cases = all.map((each) => caseOf(each, 0));
  const agent = new Agent({ keepAlive: true });
  let hosts: TestHosts;
  let release: () => Promise<void>;
  let sides: readonly WalkedProxy[] = [];

  beforeAll(async () => {
    const lease = await leaseSubnet(seededRandom(`turns/${process.pid}/${performance.now()}`));
    release = () => lease.release();
    hosts = await startHosts(lease.subnet);
    const given = { cases, hosts: hosts.at };
    sides = [
      await startWalkedEnvoy({ ...given, ip: `127.${lease.subnet}.1.1` }),
      await startWalkedProxy({ ...given, ip: `127.${lease.subnet}.1.2` }),
    ];
  });
  afterAll(async () => {
    agent.destroy();
    await Promise.all(sides.map((side) => side.stop()));
    await hosts?.stop();
    await release?.();
  });

  const ask = (side: WalkedProxy, given: PairCase): Promise<string> =>
    new Promise((resolve, reject) => {
      const call = httpRequest({ host: side.ip, port: side.portOf(given), agent, headers: { 'user-agent': 'turns' } });
      call.once('error', reject);
      call.once('response', (answer) => {
        answer.resume().once('end', () => resolve(String(answer.headers['x-host'] ?? answer.statusCode)));
      });
      call.end();
    });
  const askOften = async (side: WalkedProxy, given: PairCase, times: number): Promise<string[]> => {
    const answers: string[] = [];
    for (let i = 0; i < times; i++) answers.push(await ask(side, given));
    return answers;
  };
  const given = (name: string): PairCase => cases.find((each) => each.name === name)!;
  const move = async (to: number): Promise<void> => {
    for (const side of sides) await side.assign(all.map((each) => caseOf(each, Math.min(to, each.moves.length - 1))));
  };

  it.each([0, 1, 2])('when their deadlines come, after %d moves', async (to) => {
    if (to > 0) await move(to);
    for (const { name, moves } of tables) {
      const members = moves[to] ?? [];
      if (members.length === 0) continue;
      const shares = sharesOf(members);
      const round = [...shares.values()].reduce((sum, { weight }) => sum + weight, 0);
      const orders = await Promise.all(sides.map((side) => askOften(side, given(name), 3 * round)));
      const kept = orders.map((order) =>
        keepsDeadlines(
          order.map((host) => shareOf(members, host)),
          shares,
          round,
        ),
      );
      expect({ name, kept, orders }).toEqual({ name, kept: [true, true], orders });
    }
  });

  it('a new host whose least share is 0 is not asked even after its window, another is', async () => {
    await setTimeout(WINDOW_MS);
    const asked = async (name: string): Promise<number[]> =>
      Promise.all(
        sides.map(async (side) => (await askOften(side, given(name), 60)).filter((host) => host === 'two').length),
      );
    expect(await asked('slow0')).toEqual([0, 0]);
    const [envoy, ours] = await asked('slow25');
    expect(envoy).toBeGreaterThan(20);
    expect(Math.abs(ours! - envoy!)).toBeLessThan(4);
  });
});
