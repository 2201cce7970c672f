import type { Stat, Stats } from '../stats/stats.ts';

/** A cluster's counters, resolved once, so that a request increments without building names. */
export class ClusterStats {
  readonly prefix: string;
  readonly rqTotal: Stat;
  readonly rqCompleted: Stat;
  readonly rqRetry: Stat;
  readonly rqRetrySuccess: Stat;
  readonly rqRetryLimitExceeded: Stat;
  readonly rqRetryOverflow: Stat;
  readonly rqRetryBackoff: Stat;
  readonly rqTimeout: Stat;
  readonly rqPerTryTimeout: Stat;
  readonly rqRxReset: Stat;
  readonly noHealthy: Stat;
  readonly panic: Stat;
  readonly abandoned: Stat;
  readonly #stats: Stats;
  readonly #byCode = new Map<number, readonly Stat[]>();

  constructor(stats: Stats, clusterName: string) {
    this.prefix = `cluster.${clusterName}.`;
    this.#stats = stats;
    const stat = (name: string): Stat => stats.stat(this.prefix + name);
    this.rqTotal = stat('upstream_rq_total');
    this.rqCompleted = stat('upstream_rq_completed');
    this.rqRetry = stat('upstream_rq_retry');
    this.rqRetrySuccess = stat('upstream_rq_retry_success');
    this.rqRetryLimitExceeded = stat('upstream_rq_retry_limit_exceeded');
    this.rqRetryOverflow = stat('upstream_rq_retry_overflow');
    this.rqRetryBackoff = stat('upstream_rq_retry_backoff_exponential');
    this.rqTimeout = stat('upstream_rq_timeout');
    this.rqPerTryTimeout = stat('upstream_rq_per_try_timeout');
    this.rqRxReset = stat('upstream_rq_rx_reset');
    this.noHealthy = stat('upstream_cx_none_healthy');
    this.panic = stat('lb_healthy_panic');
    this.abandoned = stat('retry_or_shadow_abandoned');
  }

  /** A figure that the pools count, by its own name. */
  pool(name: string): void {
    this.#stats.stat(this.prefix + name).value++;
  }

  /** Counts an answer of a host: `upstream_rq_503` and `upstream_rq_5xx`. */
  code(status: number): void {
    let stats = this.#byCode.get(status);
    if (stats === undefined) {
      stats = [
        this.#stats.stat(`${this.prefix}upstream_rq_${status}`),
        this.#stats.stat(`${this.prefix}upstream_rq_${Math.floor(status / 100)}xx`),
        this.rqCompleted,
      ];
      this.#byCode.set(status, stats);
    }
    for (const stat of stats) stat.value++;
  }
}
