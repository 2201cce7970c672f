import type { Clock, Random, Timer } from '#domain';
import type { DnsConfig } from '../config/dns-config.ts';
import type { ResolvedName } from '../doors.ts';
import type { ClusterStats } from './cluster-stats.ts';

export interface NameLookupOptions {
  readonly config: DnsConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: ClusterStats;
  readonly resolve: () => Promise<ResolvedName>;
  /** `addresses`: undefined where the name does not resolve. */
  readonly onAnswer: (addresses: readonly string[] | undefined) => void;
}

/**
 * Asks for one name, and again when its time has come: after the refresh rate, or as long as the answer may be kept, with jitter; or after a wait that doubles while it does not
 * resolve. Source: ResolveTarget in strict_dns_cluster.cc, prepareDnsRefreshStrategy.
 */
export class NameLookup {
  readonly #options: NameLookupOptions;
  /** Bound of the next wait; a failure doubles it. */
  #waitMs: number;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: NameLookupOptions) {
    this.#options = options;
    this.#waitMs = options.config.failure?.baseMs ?? 0;
  }

  start(): void {
    const { resolve, stats } = this.#options;
    stats.count('update_attempt');
    resolve().then(
      (resolved) => this.#finish(resolved),
      // The resolver's reason is the name server's, which a proxy counts and does not tell.
      () => this.#finish(undefined),
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #finish(resolved: ResolvedName | undefined): void {
    if (this.#stopped) return;
    const { clock, onAnswer, stats } = this.#options;
    stats.count(resolved === undefined ? 'update_failure' : 'update_success');
    const waitMs = resolved === undefined ? this.#waitAfterFailure() : this.#waitAfterSuccess(resolved);
    onAnswer(resolved?.addresses);
    if (!this.#stopped) this.#timer = clock.after(waitMs, () => this.start());
  }

  #waitAfterSuccess({ ttlS }: ResolvedName): number {
    const { config, random } = this.#options;
    this.#waitMs = config.failure?.baseMs ?? 0;
    const refreshMs = config.respectsTtl && ttlS > 0 ? Math.max(ttlS * 1000, config.minRefreshMs) : config.refreshMs;
    return refreshMs + (config.jitterMs > 0 ? random.below(config.jitterMs) : 0);
  }

  /** Full jitter, as of retries. */
  #waitAfterFailure(): number {
    const { config, random } = this.#options;
    if (config.failure === undefined) return config.refreshMs;
    const waitMs = Math.max(1, random.below(Math.max(1, Math.floor(this.#waitMs))));
    this.#waitMs = Math.min(this.#waitMs * 2, config.failure.maxMs);
    return waitMs;
  }
}
