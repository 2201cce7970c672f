import type { PairCase, PairHost, PairRequest } from '../pairs/case-file.ts';
import { type Dice, dice } from './dice.ts';
import { walkedLog } from './walk.ts';

/** A case whose hosts are others again and again, with the requests that are sent each time. */
export interface MovingCase {
  /** With the hosts that it begins with; its cluster is `c`. */
  readonly given: PairCase;
  /** Its hosts after each move. */
  readonly moves: readonly Pick<PairCase['clusters'][string], 'hosts' | 'policy'>[];
  /** Hosts take turns: who begins is chance. Otherwise a hash decides. */
  readonly takesTurns: boolean;
}

/** With the first one, in which the hosts are those that a case begins with. */
export const MOVES = 5;
export const MOVING_HOSTS = ['one', 'two', 'three', 'four', 'five'] as const;
const HEALTHS = ['UNHEALTHY', 'DEGRADED', 'DRAINING', 'HEALTHY', 'TIMEOUT', 'UNKNOWN'] as const;
const KEYS = ['v', 's'] as const;

/** Clusters of all shapes whose hosts, weights, healths, priorities, localities and metadata change. */
export const movingCases = (seed: string, count: number): MovingCase[] =>
  Array.from({ length: count }, (_, i) => {
    const roll = dice(`${seed}/moving/${i}`);
    const takesTurns = roll.chance(50);
    const shape = shapeOf(roll, takesTurns);
    const moves = [placement(roll, shape)];
    while (moves.length < MOVES) moves.push(roll.chance(25) ? reordered(roll, moves.at(-1)!) : placement(roll, shape));
    return {
      given: {
        name: `m${i}`,
        http: { access_log: [walkedLog('walk')], preserve_external_request_id: true },
        routes: [0, 1].map((at) => route(roll, at, takesTurns)),
        clusters: { c: { ...cluster(roll, takesTurns), ...moves[0] } },
        requests: Array.from({ length: takesTurns ? 20 : 8 }, (_none, at) => request(roll, at)),
      },
      moves,
      takesTurns,
    };
  });

/** A host that comes to a higher priority and is another one at once is made anew twice in Envoy, whose table of hosts has lost it. */
interface Shape {
  /** Localities and names of hosts change, too. */
  readonly moves: boolean;
  readonly weighs: boolean;
  readonly priorities: number;
  readonly regions: boolean;
  readonly healths: number;
}

/** Of those that take turns, only what leaves the turns in sight. */
const shapeOf = (roll: Dice, takesTurns: boolean): Shape => ({
  weighs: !takesTurns && roll.chance(60),
  ...roll.one([
    { priorities: 1, moves: true },
    { priorities: 2, moves: false },
    { priorities: 3, moves: false },
  ]),
  regions: roll.chance(40),
  healths: roll.one([0, 25, 50]),
});

/** The same hosts in another order, one of which may be there twice. */
const reordered = (roll: Dice, { hosts = [], policy }: MovingCase['moves'][number]): MovingCase['moves'][number] => ({
  hosts: roll.shuffled(
    roll.chance(30) && hosts.length > 0
      ? [...hosts, { ...(hosts[0] as object), health: 'UNHEALTHY' } as PairHost]
      : hosts,
  ),
  ...(policy && { policy }),
});

function placement(roll: Dice, shape: Shape): MovingCase['moves'][number] {
  const given = roll.some(MOVING_HOSTS, 70);
  const shares = { east: 1 + roll.below(3), west: 1 + roll.below(3) };
  return {
    hosts: given.map((host) => member(roll, host, { ...shape, shares })),
    policy: {
      ...roll.maybe(30, () => ({ overprovisioning_factor: roll.one([100, 140, 200]) })),
      ...roll.maybe(20, () => ({ weighted_priority_health: true })),
    },
  };
}

function member(
  roll: Dice,
  host: string,
  { weighs, moves, priorities, regions, healths, shares }: Shape & { readonly shares: Record<'east' | 'west', number> },
): PairHost {
  const region = moves ? roll.one(['east', 'west'] as const) : host < 'one' ? 'east' : 'west';
  return {
    host,
    labels: Object.fromEntries(roll.some(KEYS, 75).map((key) => [key, roll.one(['1', '2'])])),
    ...roll.maybe(healths, () => ({ health: roll.one(HEALTHS) })),
    ...(weighs && roll.chance(60) && { weight: 1 + roll.below(4) }),
    priority: roll.below(priorities),
    ...(regions && { region, share: shares[region] }),
    ...roll.maybe(moves ? 20 : 0, () => ({ hostname: `${host}.${roll.below(2)}` })),
  };
}

const cluster = (roll: Dice, takesTurns: boolean): object => ({
  type: 'EDS',
  ...(takesTurns
    ? { lb_policy: 'ROUND_ROBIN' }
    : roll.one([
        { lb_policy: 'RING_HASH', ring_hash_lb_config: { minimum_ring_size: 64 } },
        { lb_policy: 'MAGLEV', maglev_lb_config: { table_size: 251 } },
      ])),
  common_lb_config: {
    update_merge_window: '0s',
    ...roll.maybe(40, () => ({ healthy_panic_threshold: { value: roll.one([0, 30, 50, 100]) } })),
    ...roll.maybe(40, () => ({ locality_weighted_lb_config: {} })),
    ...roll.maybe(20, () => ({ close_connections_on_host_set_change: true })),
  },
  ...roll.maybe(40, () => ({ lb_subset_config: subsets(roll) })),
});

const subsets = (roll: Dice): object => ({
  fallback_policy: roll.one(['NO_FALLBACK', 'ANY_ENDPOINT', 'DEFAULT_SUBSET']),
  subset_selectors: roll.one([
    [{ keys: ['v'] }],
    [{ keys: ['v'] }, { keys: ['s', 'v'] }],
    [{ keys: ['s'], single_host_per_subset: true }],
  ]),
  ...roll.maybe(60, () => ({ default_subset: { v: '1' } })),
  ...roll.maybe(20, () => ({ panic_mode_any: true })),
  ...roll.maybe(20, () => ({ scale_locality_weight: true })),
});

const route = (roll: Dice, at: number, takesTurns: boolean): object => ({
  match: { prefix: at === 1 || takesTurns ? '/' : '/r0' },
  route: {
    cluster: 'c',
    hash_policy: [{ header: { header_name: 'x-user' } }],
    ...roll.maybe(70, () => ({
      metadata_match: {
        filter_metadata: { 'envoy.lb': Object.fromEntries(roll.some(KEYS, 50).map((key) => [key, '1'])) },
      },
    })),
  },
});

const request = (roll: Dice, at: number): PairRequest => ({
  name: `q${at}`,
  path: roll.one(['/r0', '/']),
  headers: { 'x-user': `user-${roll.below(500)}` },
  expect: { status: 200 },
});
