import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Difference, differences } from './support/differences.ts';
import type { PairCase } from './support/pairs/case-file.ts';
import { type Dice, dice } from './support/walks/dice.ts';
import { type HeldMove, HeldRequests, type HeldWalk, settled } from './support/walks/held-requests.ts';
import { type HeldStage, startHeldStage } from './support/walks/held-stage.ts';

const CASES = 50;
const STEPS = 18;

const few = (roll: Dice): number => roll.one([0, 1, 1, 2, 2, 3]);

/** A retry races with the connection that others wait for, so either is limited. */
const thresholds = (roll: Dice, priority: string, retries: boolean): object => ({
  priority,
  ...(retries ? {} : roll.maybe(55, () => ({ max_connections: few(roll) }))),
  ...roll.maybe(55, () => ({ max_pending_requests: few(roll) })),
  ...roll.maybe(55, () => ({ max_requests: few(roll) })),
  ...roll.maybe(60, () => ({ max_retries: few(roll) })),
  ...roll.maybe(30, () => ({
    retry_budget: {
      budget_percent: { value: roll.one([0, 20, 50, 100]) },
      ...roll.maybe(70, () => ({ min_retry_concurrency: few(roll) })),
    },
  })),
  ...roll.maybe(70, () => ({ track_remaining: true })),
});

const PROTOCOL_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const drawCluster = (roll: Dice, retries: boolean): object => {
  const isH2 = roll.chance(35);
  const host = isH2 ? 'h2' : 'h1';
  const h2 = { ...roll.maybe(60, () => ({ max_concurrent_streams: 1 + roll.below(2) })) };
  return {
    hosts: [host],
    connect_timeout: '30s',
    circuit_breakers: {
      thresholds: [
        thresholds(roll, 'DEFAULT', retries),
        ...(roll.chance(60) ? [thresholds(roll, 'HIGH', retries)] : []),
      ],
    },
    typed_extension_protocol_options: {
      [PROTOCOL_OPTIONS]: {
        '@type': `type.googleapis.com/${PROTOCOL_OPTIONS}`,
        explicit_http_config: isH2 ? { http2_protocol_options: h2 } : { http_protocol_options: {} },
        ...roll.maybe(25, () => ({ common_http_protocol_options: { max_requests_per_connection: 1 + roll.below(2) } })),
      },
    },
  };
};

const draw = (i: number): HeldWalk => {
  const roll = dice(`breakers/${i}`);
  const retry_policy = {
    retry_on: '5xx,reset',
    num_retries: 1 + roll.below(2),
    retry_back_off: { base_interval: '0.01s', max_interval: '0.01s' },
  };
  const retries = roll.chance(50);
  const route = { cluster: 'c', timeout: '0s', ...(retries && { retry_policy }) };
  const moves: HeldMove[] = [];
  let begun = 0;
  for (let step = 0; step < STEPS; step++) {
    if (begun === 0 || roll.chance(55)) moves.push({ begins: begun++, path: roll.chance(25) ? '/high' : '/' });
    else moves.push({ ends: roll.below(begun), by: roll.one([200, 200, 500, 'reset', 'client'] as const) });
  }
  return {
    moves,
    given: {
      name: `b${i}`,
      routes: [
        { match: { prefix: '/high' }, route: { ...route, priority: 'HIGH' } },
        { match: { prefix: '/' }, route },
      ],
      clusters: { c: drawCluster(roll, retries) as PairCase['clusters'][string] },
      requests: [],
    },
  };
};

let stage: HeldStage;
const drawn = Array.from({ length: CASES }, (_, i) => draw(i));

beforeAll(async () => {
  stage = await startHeldStage(
    'breakers',
    drawn.map(({ given }) => given),
    { h1: 'h1', h2: 'h2' },
  );
});

afterAll(() => stage?.stop());

it('breakers let requests, connections and retries through as those of a real Envoy do', async () => {
  const { hosts, sides } = stage;
  for (const side of sides) expect([...(await side.refused())]).toEqual([]);
  const both = sides.map((side) => ({ side, requests: new HeldRequests(side, hosts) }));
  const found: { case: string; step: number; move: unknown; differences: readonly Difference[] }[] = [];
  const apart = new Set<string>();
  for (let step = 0; step < STEPS; step++) {
    const [envoy, ours] = await Promise.all(
      both.map(({ side, requests }) => {
        for (const each of drawn) if (!apart.has(each.given.name)) requests.make(each, each.moves[step]!);
        return settled(side, requests, drawn);
      }),
    );
    for (const [i, { given, moves }] of drawn.entries()) {
      if (apart.has(given.name)) continue;
      const differing = differences(envoy![i]!, ours![i]!);
      if (differing.length === 0) continue;
      // What follows from it tells nothing new.
      apart.add(given.name);
      found.push({ case: given.name, step, move: moves[step], differences: differing });
    }
  }
  for (const { requests } of both) requests.leave();
  expect(found).toEqual([]);
}, 240_000);
