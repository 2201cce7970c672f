import type { Clock, Random } from '#domain';
import type { BalancingConfig } from '../config/lb-config.ts';
import type { Stat } from '../stats/stats.ts';
import type { TableShape } from './hashing/ring-hash.ts';
import type { Host } from './host.ts';
import { createLoadBalancer, type LoadBalancer } from './load-balancer.ts';
import type { ChosenList, HostChoice, PickContext, TriedHosts } from './pick-context.ts';
import { type Candidates, type PlaceWeight, type PriorityOptions, PrioritySet } from './priority.ts';
import type { LevelHosts } from './priority-loads.ts';
import { beginSlowStart } from './slow-start.ts';
import type { ZoneRouting } from './zone-routing.ts';

export interface HostGroupOptions {
  readonly config: BalancingConfig;
  readonly clock: Clock;
  readonly random: Random;
  /** Requests under way in the cluster. */
  readonly underWay: () => number;
  /** `lb_healthy_panic`. */
  readonly panics: Stat;
  /** Percent; absent: what the configuration says. */
  readonly panicThreshold?: (() => number) | undefined;
  /** Where a bootstrap names a local cluster; of no use for a balancer that hashes. */
  readonly zones?: ZoneRouting | undefined;
}

/** How hosts are balanced now. */
export interface HostChange {
  /** The only priorities in which anything differs; absent: it may in all. */
  readonly priorities?: ReadonlySet<number> | undefined;
  /** Of localities, where it is not that of the assignment. */
  readonly placeWeight?: PlaceWeight | undefined;
}

/** Hosts that are balanced together: all of a cluster, or one subset of them. */
export class HostGroup {
  readonly #config: BalancingConfig;
  readonly #clock: Clock;
  readonly #balancer: LoadBalancer;
  readonly #panics: Stat;
  readonly #panicThreshold: (() => number) | undefined;
  /** The balancer goes by a hash of the request. */
  readonly #hashes: boolean;
  readonly #drawPercent: () => number;
  readonly #localities: Random;
  /** Choices that were made ahead, for those who ask next. */
  readonly #foreseen: HostChoice[] = [];
  readonly #zones: ZoneRouting | undefined;
  #priorities: PrioritySet;
  /** What the last table of a balancer that hashes was made of: as in Envoy, its figures stay when there is none. */
  #hashed: readonly (readonly Host[])[] = [];

  constructor(options: HostGroupOptions) {
    const { config, random } = options;
    this.#config = config;
    this.#clock = options.clock;
    this.#balancer = createLoadBalancer(options);
    this.#panics = options.panics;
    this.#panicThreshold = options.panicThreshold;
    this.#hashes = config.policy === 'RING_HASH' || config.policy === 'MAGLEV';
    this.#localities = random.stream('localities');
    this.#drawPercent = () => random.below(100);
    this.#zones = this.#hashes ? undefined : options.zones;
    this.#priorities = this.#prioritize([], undefined);
  }

  /** Members are others, or their health, weights or priorities are. */
  setHosts(hosts: readonly Host[], { priorities, placeWeight }: HostChange): void {
    this.#foreseen.length = 0;
    const { slowStart } = this.#config;
    if (slowStart !== undefined) beginSlowStart(hosts, this.#clock.monotonic());
    const kept = priorities && { of: this.#priorities, but: priorities };
    this.#priorities = this.#prioritize(hosts, kept, placeWeight);
    if (slowStart !== undefined) for (const list of this.#priorities.choosable()) this.#balancer.meet?.(list);
    if (this.#hashes && this.#priorities.hashed.length > 0) this.#hashed = this.#priorities.hashed;
    if (priorities?.has(0) !== false) this.localChanged();
  }

  /** The hosts of the local cluster are others or their health is: zones have other shares. */
  localChanged(): void {
    this.#zones?.plan(this.#priorities.levels[0]);
  }

  /** Weights are others, and the hosts are not. */
  reweigh(): void {
    this.#balancer.renew?.();
  }

  /** Its hosts by priority; another list whenever they, or their health, are others. */
  get levels(): readonly LevelHosts[] {
    return this.#priorities.levels;
  }

  /** The table of a balancer that hashes. */
  get table(): TableShape | undefined {
    for (const hosts of this.#hashed) {
      const shape = this.#balancer.shapeOf?.(hosts);
      if (shape !== undefined) return shape;
    }
    return undefined;
  }

  /**
   * The host that will be chosen next, of those that are not foreseen yet; undefined where that cannot be told. As in Envoy, no more are
   * foreseen than there are healthy hosts.
   */
  foresee(): Host | undefined {
    if (this.#hashes) return undefined;
    const healthy = this.#priorities.levels.reduce((sum, level) => sum + level.healthy.length, 0);
    if (this.#foreseen.length >= healthy) return undefined;
    const candidates = this.#priorities.candidates(this.#drawPercent);
    if (candidates === undefined || this.#balancer.foresees?.(candidates.hosts) !== true) return undefined;
    const choice = this.#pick(candidates, undefined, 0);
    if (choice !== undefined) this.#foreseen.push(choice);
    return choice?.host;
  }

  /** Undefined when no host may be used. */
  choose(context: PickContext): HostChoice | undefined {
    const hash = this.#hashes ? context.hash() : undefined;
    const draw = hash === undefined ? this.#drawPercent : (): number => Number(hash % 100n);
    const { list, tried } = context;
    if (list !== undefined && !this.#hashes) return this.#chooseIn(list, tried);
    const priorities = this.#hashes ? undefined : tried?.priorities;
    const foreseen = priorities === undefined ? this.#foreseen.shift() : undefined;
    let candidates = foreseen === undefined ? this.#priorities.candidates(draw, priorities) : undefined;
    let choice = foreseen ?? (candidates && this.#pick(candidates, hash, 0));
    const redraws = tried?.redraws ?? 0;
    for (let attempt = 1; choice !== undefined && attempt <= redraws && avoids(tried, choice.host); attempt++) {
      // A table of hashes knows other places; other balancers draw anew, priority and locality too.
      if (!this.#hashes) candidates = this.#priorities.candidates(draw, priorities);
      choice = candidates && this.#pick(candidates, hash, attempt);
    }
    return choice;
  }

  /** As `choose`, in a list that somebody else has chosen. */
  #chooseIn(list: ChosenList, tried: TriedHosts | undefined): HostChoice | undefined {
    const pick = (attempt: number): HostChoice | undefined => {
      const candidates = this.#priorities.candidatesIn(list);
      return candidates && this.#pick(candidates, undefined, attempt);
    };
    let choice = pick(0);
    const redraws = tried?.redraws ?? 0;
    for (let attempt = 1; choice !== undefined && attempt <= redraws && avoids(tried, choice.host); attempt++)
      choice = pick(attempt);
    return choice;
  }

  #pick(candidates: Candidates, hash: bigint | undefined, attempt: number): HostChoice | undefined {
    const pick = this.#balancer.pick(candidates.hosts, candidates.source, { hash, attempt });
    if (pick === undefined) return undefined;
    const { host, why } = pick;
    const { zone } = candidates;
    return { host, why: zone === undefined ? why : () => `${zone}; ${why()}`, candidates };
  }

  #prioritize(hosts: readonly Host[], kept: PriorityOptions['kept'], placeWeight?: PlaceWeight): PrioritySet {
    const { byLocality, failsInPanic } = this.#config;
    const panicThreshold = this.#panicThreshold?.() ?? this.#config.panicThreshold;
    const onPanic = (): void => {
      this.#panics.value++;
    };
    const hashed = this.#hashes;
    const zones = this.#zones;
    return new PrioritySet({
      hosts,
      random: this.#localities,
      panicThreshold,
      byLocality,
      failsInPanic,
      hashed,
      placeWeight,
      onPanic,
      kept,
      zones,
    });
  }
}

const avoids = (tried: TriedHosts | undefined, host: Host): boolean =>
  tried !== undefined && (tried.avoid.has(host.key) || tried.omits(host));
