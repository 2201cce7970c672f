import type { Clock, Timer } from '#domain';
import type { OutlierPolicy } from '../config/outlier-policy.ts';
import { OUTLIER_NAMES } from '../stats/declared-names.ts';
import type { Stat, Stats } from '../stats/stats.ts';
import type { Host } from './host.ts';

/** How one try ended, for outlier detection. */
export type TryResult = { readonly status: number } | { readonly localOrigin: 'connect' | 'timeout' };

export interface OutlierDetectorOptions {
  readonly policy: OutlierPolicy;
  readonly clock: Clock;
  readonly stats: Stats;
  /** `cluster.<name>.` */
  readonly prefix: string;
  readonly hosts: () => readonly Host[];
  /** A host was ejected or let back: balancing must look again. */
  readonly changed: () => void;
}

/**
 * Ejects hosts that fail in a row and lets them back, as Envoy's outlier detection does: the ejection is immediate, the return happens at
 * a sweep. Success-rate and failure-percentage ejection are left out: Istio enforces neither.
 */
export class OutlierDetector {
  readonly #options: OutlierDetectorOptions;
  readonly #overflow: Stat;
  readonly #active: Stat;
  readonly #total: Stat;
  #timer: Timer | undefined;

  constructor(options: OutlierDetectorOptions) {
    this.#options = options;
    this.#overflow = this.#stat('ejections_overflow');
    this.#active = options.stats.level(`${options.prefix}outlier_detection.ejections_active`);
    options.stats.declare(`${options.prefix}outlier_detection.`, OUTLIER_NAMES);
    this.#total = this.#stat('ejections_enforced_total');
  }

  start(): void {
    const { clock, policy } = this.#options;
    this.#timer = clock.after(policy.intervalMs, () => {
      this.#sweep();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#active.value -= this.#options.hosts().filter(({ ejected }) => ejected).length;
  }

  /** An active health check has passed: where the policy says so, the host is let back before its time is over. */
  checkPassed(host: Host): void {
    const { clock, policy, changed } = this.#options;
    if (!policy.unejectsOnCheck || !host.ejected || host.failedCheck) return;
    this.#letBack(host, clock.monotonic());
    changed();
  }

  report(host: Host, result: TryResult): void {
    const { policy } = this.#options;
    if ('localOrigin' in result && policy.splitLocalOriginErrors) {
      this.#count(host, 'consecutiveLocal');
      return;
    }
    const status = 'status' in result ? result.status : result.localOrigin === 'connect' ? 503 : 504;
    if (policy.splitLocalOriginErrors) host.failures.consecutiveLocal = 0;
    if (status < 500) {
      host.failures.consecutive5xx = 0;
      host.failures.consecutiveGateway = 0;
      return;
    }
    if (status >= 502 && status <= 504) this.#count(host, 'consecutiveGateway');
    else host.failures.consecutiveGateway = 0;
    this.#count(host, 'consecutive5xx');
  }

  #count(host: Host, kind: keyof Host['failures']): void {
    const { policy } = this.#options;
    const threshold = {
      consecutive5xx: policy.consecutive5xx,
      consecutiveGateway: policy.consecutiveGatewayFailure,
      consecutiveLocal: policy.consecutiveLocalOriginFailure,
    }[kind];
    if (threshold === 0 || ++host.failures[kind] < threshold) return;
    host.failures[kind] = 0;
    const name = {
      consecutive5xx: '5xx',
      consecutiveGateway: 'gateway_failure',
      consecutiveLocal: 'local_origin_failure',
    };
    this.#stat(`ejections_detected_consecutive_${name[kind]}`).value++;
    if (this.#eject(host)) this.#stat(`ejections_enforced_consecutive_${name[kind]}`).value++;
  }

  #eject(host: Host): boolean {
    if (host.ejected) return false;
    const { policy, clock, hosts } = this.#options;
    const all = hosts();
    const ejected = all.filter((other) => other.ejected).length;
    const allowed =
      (100 * (ejected + 1)) / all.length <= policy.maxEjectionPercent || (ejected === 0 && policy.alwaysEjectOneHost);
    if (!allowed) {
      this.#overflow.value++;
      return false;
    }
    host.ejected = true;
    host.ejectedAt = clock.monotonic();
    if (host.ejections * policy.baseEjectionMs < policy.maxEjectionMs + policy.baseEjectionMs) host.ejections++;
    this.#active.value++;
    this.#total.value++;
    this.#options.changed();
    return true;
  }

  #sweep(): void {
    const { policy, clock, hosts } = this.#options;
    const now = clock.monotonic();
    let changed = false;
    for (const host of hosts()) {
      if (host.ejected) {
        const lengthMs = Math.min(policy.baseEjectionMs * host.ejections, policy.maxEjectionMs);
        if (now - host.ejectedAt < lengthMs) continue;
        this.#letBack(host, now);
        changed = true;
      } else if (host.ejections > 0 && now - host.unejectedAt >= policy.intervalMs) {
        host.ejections--;
      }
    }
    if (changed) this.#options.changed();
  }

  #letBack(host: Host, now: number): void {
    host.ejected = false;
    host.unejectedAt = now;
    Object.assign(host.failures, { consecutive5xx: 0, consecutiveGateway: 0, consecutiveLocal: 0 });
    this.#active.value--;
  }

  #stat(name: string): Stat {
    return this.#options.stats.stat(`${this.#options.prefix}outlier_detection.${name}`);
  }
}
