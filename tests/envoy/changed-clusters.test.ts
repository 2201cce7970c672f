import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Difference, differences } from './support/differences.ts';
import type { PairCase } from './support/pairs/case-file.ts';
import { type Dice, dice } from './support/walks/dice.ts';
import { type HeldMove, HeldRequests, type HeldWalk, settled } from './support/walks/held-requests.ts';
import { type HeldStage, startHeldStage } from './support/walks/held-stage.ts';

const CASES = 40;
const STEPS = 16;
/** The configuration is another one from these steps on. */
const CHANGES = [4, 8, 12];

type Cluster = PairCase['clusters'][string];

/** A case, and its cluster after each change. */
interface Changing extends HeldWalk {
  readonly stages: readonly Cluster[];
}

const PROTOCOL_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const protocol = (explicit: object, common: object = {}): object => ({
  typed_extension_protocol_options: {
    [PROTOCOL_OPTIONS]: {
      '@type': `type.googleapis.com/${PROTOCOL_OPTIONS}`,
      explicit_http_config: explicit,
      common_http_protocol_options: common,
    },
  },
});
/** Nothing comes back within the time of a walk. */
const NEVER = { interval: '1000s', base_ejection_time: '1000s' };
const H1 = { http_protocol_options: {} };
const H2 = { http2_protocol_options: {} };

/** All stand in the table of accepted differences: figures that an answer or a codec names, and breakers of a cluster that was replaced (and outlier detection that it has no more). */
const UNLIKE = /upstream_rq_(\d..|completed)$|\.http2\.|circuit_breakers\./;

/** One host at a time, so that nothing is left to chance. */
const drawCluster = (roll: Dice): Cluster => {
  const isH2 = roll.chance(25);
  return {
    hosts: [isH2 ? 'h2' : roll.one(['h1', 'h1', 'other'])],
    lb_policy: roll.one(['ROUND_ROBIN', 'LEAST_REQUEST', 'RANDOM', 'RING_HASH', 'MAGLEV']),
    connect_timeout: roll.one(['30s', '31s']),
    ...protocol(
      isH2 ? H2 : H1,
      roll.maybe(30, () => ({ max_requests_per_connection: 1 + roll.below(2) })),
    ),
    ...(roll.chance(50)
      ? {
          circuit_breakers: {
            thresholds: [
              { max_connections: 1 + roll.below(2), max_pending_requests: 1, track_remaining: roll.chance(50) },
            ],
          },
        }
      : // A host is ejected by Envoy's main thread, which races with what waits for its connection.
        roll.maybe(60, () => ({
          outlier_detection: { ...NEVER, consecutive_5xx: 1 + roll.below(2), max_ejection_percent: 100 },
          common_lb_config: { healthy_panic_threshold: { value: 0 } },
        }))),
  };
};

const draw = (i: number): Changing => {
  const roll = dice(`changes/${i}`);
  const moves: HeldMove[] = [];
  let begun = 0;
  for (let step = 0; step < STEPS; step++) {
    if (begun === 0 || roll.chance(55)) moves.push({ begins: begun++, path: '/' });
    else moves.push({ ends: roll.below(begun), by: roll.one([200, 200, 500, 'reset', 'client'] as const) });
  }
  const first = drawCluster(roll);
  const stages = [first];
  // Some changes are none.
  for (const _ of CHANGES) stages.push(roll.chance(25) ? stages.at(-1)! : drawCluster(roll));
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'c', timeout: '0s' } }];
  return { moves, stages, given: { name: `c${i}`, routes, clusters: { c: first }, requests: [] } };
};

let stage: HeldStage;
const drawn = Array.from({ length: CASES }, (_, i) => draw(i));

beforeAll(async () => {
  stage = await startHeldStage(
    'changes',
    drawn.map(({ given }) => given),
    { h1: 'h1', h2: 'h2', other: 'h1' },
  );
});

afterAll(() => stage?.stop());

const atStage = (stage: number): PairCase[] =>
  drawn.map(({ given, stages }) => ({ ...given, clusters: { c: stages[stage]! } }));

it('a cluster that changes while requests are under way keeps and loses what one of a real Envoy does', async () => {
  const { hosts, sides } = stage;
  for (const side of sides) expect([...(await side.refused())]).toEqual([]);
  const both = sides.map((side) => ({ side, requests: new HeldRequests(side, hosts) }));
  const found: { case: string; step: number; move: unknown; differences: readonly Difference[] }[] = [];
  const apart = new Set<string>();
  for (let step = 0; step < STEPS; step++) {
    const change = CHANGES.indexOf(step);
    const [envoy, ours] = await Promise.all(
      both.map(async ({ side, requests }) => {
        if (change >= 0) await side.replace(atStage(change + 1));
        for (const each of drawn) if (!apart.has(each.given.name)) requests.make(each, each.moves[step]!);
        return settled(side, requests, drawn);
      }),
    );
    for (const [i, { given, moves, stages }] of drawn.entries()) {
      if (apart.has(given.name)) continue;
      const isLeft = (at: string): boolean =>
        at.includes('.outlier_detection.') &&
        stages[CHANGES.filter((each) => each <= step).length]!['outlier_detection'] === undefined;
      const differing = differences(envoy![i]!, ours![i]!).filter(({ at }) => !UNLIKE.test(at) && !isLeft(at));
      if (differing.length === 0) continue;
      // What follows from it tells nothing new.
      apart.add(given.name);
      found.push({ case: given.name, step, move: moves[step], differences: differing });
    }
  }
  for (const { requests } of both) requests.leave();
  expect(found).toEqual([]);
}, 240_000);
