import type { Clock, Random, Timer } from '#domain';
import type { EjectionCause, OutlierPolicy } from '../config/outlier-policy.ts';
import { OUTLIER_NAMES } from '../stats/declared-names.ts';
import type { Stat, Stats } from '../stats/stats.ts';
import type { Host } from './host.ts';
import { type FailureOrigin, NO_RATES, type RateSummary, standOuts } from './success-rates.ts';

/** How one try ended, for outlier detection; `localOrigin`: what this proxy sees of the connection, `served` where that is all. */
export type TryResult =
  | { readonly status: number }
  | { readonly localOrigin: 'connected' | 'served' | 'connect' | 'timeout' };

/** What counts where no difference is made between answers and connections. */
const AS_STATUS = { served: 200, connect: 503, timeout: 504 } as const;

export interface OutlierDetectorOptions {
  readonly policy: OutlierPolicy;
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: Stats;
  /** `cluster.<name>.` */
  readonly prefix: string;
  readonly hosts: () => readonly Host[];
  /** A host was ejected or let back: balancing must look again. */
  readonly changed: (host: Host) => void;
}

/** Causes that Envoy counts under older names too. */
const OLD_NAMES: Partial<Record<EjectionCause, string>> = {
  consecutive_5xx: 'ejections_consecutive_5xx',
  success_rate: 'ejections_success_rate',
  local_origin_success_rate: 'ejections_success_rate',
};
const IN_OLD_TOTAL: ReadonlySet<EjectionCause> = new Set(['consecutive_5xx', 'success_rate']);

/**
 * Ejects hosts that stand out and lets them back (Envoy: source/common/upstream/outlier_detection_impl.cc). Rows of failures eject at once;
 * rates are compared, and hosts return, at the sweep of each interval.
 */
export class OutlierDetector {
  readonly #options: OutlierDetectorOptions;
  readonly #overflow: Stat;
  readonly #active: Stat;
  readonly #total: Stat;
  /** Its part of `ejections_active`: as in Envoy, a host that two rates eject at once counts twice, and once for the rest when it returns. */
  #ejections = 0;
  #policy: OutlierPolicy;
  #timer: Timer | undefined;
  #stopped = false;
  #rates: Readonly<Record<FailureOrigin, RateSummary>> = { external: NO_RATES, local: NO_RATES };

  constructor(options: OutlierDetectorOptions) {
    this.#options = options;
    this.#policy = options.policy;
    this.#overflow = this.#stat('ejections_overflow');
    this.#active = options.stats.level(`${options.prefix}outlier_detection.ejections_active`);
    options.stats.declare(`${options.prefix}outlier_detection.`, OUTLIER_NAMES);
    this.#total = this.#stat('ejections_enforced_total');
  }

  /** From now on; what was found by the former policy stays. The sweep that is due comes at its old time. */
  follow(policy: OutlierPolicy): void {
    this.#policy = policy;
  }

  /** Of the last sweep. */
  get rates(): Readonly<Record<FailureOrigin, RateSummary>> {
    return this.#rates;
  }

  start(): void {
    const { clock } = this.#options;
    const policy = this.#policy;
    this.#timer = clock.after(policy.intervalMs, () => {
      this.#sweep();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#count(-this.#ejections);
    this.#stopped = true;
  }

  /** The host has left its cluster. */
  forget(host: Host): void {
    if (host.ejected) this.#count(-1);
  }

  /** An active health check has passed: where the policy says so, the host is let back before its time is over. */
  checkPassed(host: Host): void {
    const { clock } = this.#options;
    const policy = this.#policy;
    if (!policy.unejectsOnCheck || !host.ejected || host.failedCheck) return;
    this.#letBack(host, clock.monotonic());
  }

  report(host: Host, result: TryResult): void {
    if ('status' in result) {
      this.#answered(host, result.status);
      return;
    }
    const { localOrigin: seen } = result;
    if (this.#policy.splitLocalOriginErrors) this.#ofLocalOrigin(host, seen === 'connected' || seen === 'served');
    else if (seen !== 'connected') this.#answered(host, AS_STATUS[seen]);
  }

  #answered(host: Host, status: number): void {
    const policy = this.#policy;
    const { failures } = host;
    // As in Envoy, 600 and more are no class of their own, and no failures.
    const good = status < 500 || status > 599;
    host.rates.external.count(good);
    if (good) {
      failures.consecutive5xx = 0;
      failures.consecutiveGateway = 0;
      return;
    }
    if (status < 502 || status > 504) failures.consecutiveGateway = 0;
    else if (++failures.consecutiveGateway === policy.consecutiveGatewayFailure) {
      this.#rowOf(host, 'consecutive_gateway_failure', 'consecutiveGateway');
    }
    if (++failures.consecutive5xx === policy.consecutive5xx) this.#rowOf(host, 'consecutive_5xx', 'consecutive5xx');
  }

  /** A good answer said that the host is not to be preferred. Source: HttpCodesMonitor and degraded hosts of Envoy's detector. */
  saysDegraded(host: Host): void {
    const { clock } = this.#options;
    const policy = this.#policy;
    if (!policy.marksDegraded || host.degradedByItself || !this.#watches(host)) return;
    this.#stat('ejections_detected_degradation').value++;
    host.degradedByItself = true;
    host.degradedAt = clock.monotonic();
    if (host.degradations * policy.baseEjectionMs < policy.maxEjectionMs + policy.baseEjectionMs) host.degradations++;
    this.#options.changed(host);
  }

  #ofLocalOrigin(host: Host, good: boolean): void {
    host.rates.local.count(good);
    if (good) host.failures.consecutiveLocal = 0;
    else if (++host.failures.consecutiveLocal === this.#policy.consecutiveLocalOriginFailure) {
      this.#rowOf(host, 'consecutive_local_origin_failure', 'consecutiveLocal');
    }
  }

  /** Of a host that is ejected already nothing is counted, and nothing of one that has left, or whose cluster was replaced. */
  #rowOf(host: Host, cause: EjectionCause, row: keyof Host['failures']): void {
    if (host.ejected || !this.#watches(host)) return;
    this.#detected(host, cause);
    host.failures[row] = 0;
  }

  #watches(host: Host): boolean {
    return !this.#stopped && this.#options.hosts().includes(host);
  }

  #detected(host: Host, cause: EjectionCause): void {
    this.#stat(`ejections_detected_${cause}`).value++;
    const old = OLD_NAMES[cause];
    if (old !== undefined) this.#stat(old).value++;
    this.#eject(host, cause);
  }

  #eject(host: Host, cause: EjectionCause): void {
    const { clock, random, hosts } = this.#options;
    const policy = this.#policy;
    const ejected = this.#ejections;
    const allowed =
      (100 * (ejected + 1)) / hosts().length <= policy.maxEjectionPercent ||
      (ejected === 0 && policy.alwaysEjectOneHost);
    if (!allowed) {
      this.#overflow.value++;
      return;
    }
    if (IN_OLD_TOTAL.has(cause)) this.#stat('ejections_total').value++;
    const share = policy.enforcing[cause];
    if (share <= 0 || (share < 100 && random.below(100) >= share)) return;
    host.ejected = true;
    host.ejectedAt = clock.monotonic();
    host.ejectionJitterMs = policy.maxJitterMs > 0 ? random.below(policy.maxJitterMs + 1) : 0;
    if (host.ejections * policy.baseEjectionMs < policy.maxEjectionMs + policy.baseEjectionMs) host.ejections++;
    this.#count(1);
    this.#total.value++;
    this.#stat(`ejections_enforced_${cause}`).value++;
    this.#options.changed(host);
  }

  #sweep(): void {
    const { clock, hosts } = this.#options;
    const policy = this.#policy;
    const now = clock.monotonic();
    const all = hosts();
    for (const host of all) {
      if (host.ejected) this.#letBackInTime(host, now);
      this.#preferAgain(host, now);
      host.rates.external.turn();
      host.rates.local.turn();
    }
    this.#rates = { external: this.#compare(all, 'external'), local: this.#compare(all, 'local') };
    for (const host of all) {
      if (!host.ejected && host.ejections > 0 && now - host.unejectedAt >= policy.intervalMs) host.ejections--;
    }
  }

  #compare(hosts: readonly Host[], origin: FailureOrigin): RateSummary {
    const { summary, found } = standOuts(hosts, origin, this.#policy);
    for (const { host, by } of found) this.#detected(host, origin === 'local' ? `local_origin_${by}` : by);
    return summary;
  }

  #letBackInTime(host: Host, now: number): void {
    const { baseEjectionMs, maxEjectionMs } = this.#policy;
    const lengthMs = Math.min(baseEjectionMs * host.ejections, maxEjectionMs) + host.ejectionJitterMs;
    if (now - host.ejectedAt >= lengthMs) this.#letBack(host, now);
  }

  #preferAgain(host: Host, now: number): void {
    const { baseEjectionMs, intervalMs, maxEjectionMs } = this.#policy;
    if (host.degradedByItself) {
      if (now - host.degradedAt < Math.min(baseEjectionMs * host.degradations, maxEjectionMs)) return;
      host.degradedByItself = false;
      host.undegradedAt = now;
      this.#options.changed(host);
    } else if (host.degradations > 0 && now - host.undegradedAt >= intervalMs) host.degradations--;
  }

  #letBack(host: Host, now: number): void {
    host.ejected = false;
    host.unejectedAt = now;
    Object.assign(host.failures, { consecutive5xx: 0, consecutiveGateway: 0, consecutiveLocal: 0 });
    this.#count(-1);
    this.#options.changed(host);
  }

  #count(more: number): void {
    if (this.#stopped) return;
    this.#ejections += more;
    this.#active.value += more;
  }

  #stat(name: string): Stat {
    return this.#options.stats.stat(`${this.#options.prefix}outlier_detection.${name}`);
  }
}
