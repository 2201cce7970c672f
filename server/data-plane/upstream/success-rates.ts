import type { OutlierPolicy } from '../config/outlier-policy.ts';
import type { Host } from './host.ts';

/** Whose failures: the host's answers, or what the proxy met on the way to it. */
export type FailureOrigin = 'external' | 'local';

/** Requests to one host since the last sweep and in the interval before it. */
export class SuccessRate {
  #total = 0;
  #good = 0;
  /** Of the interval that is over: requests, and percent of them that were good. */
  #last = { volume: 0, percent: -1 };
  /** What `/clusters` tells; -1: the host was ejected, or there were too few requests or hosts. */
  shown = -1;

  count(good: boolean): void {
    this.#total++;
    if (good) this.#good++;
  }

  /** An interval is over. */
  turn(): void {
    this.#last = { volume: this.#total, percent: this.#total === 0 ? -1 : (100 * this.#good) / this.#total };
    this.#total = 0;
    this.#good = 0;
    this.shown = -1;
  }

  get last(): { readonly volume: number; readonly percent: number } {
    return this.#last;
  }
}

/** What `/clusters` shows; -1: too little is known. */
export interface RateSummary {
  readonly average: number;
  readonly threshold: number;
}

export const NO_RATES: RateSummary = { average: -1, threshold: -1 };

export interface StandOut {
  readonly summary: RateSummary;
  /** In the order in which Envoy ejects them. */
  readonly found: readonly { readonly host: Host; readonly by: 'success_rate' | 'failure_percentage' }[];
}

/** Hosts that fail more than others, or too often. Source: ENVOY: DetectorImpl::processSuccessRateEjections. */
export function standOuts(hosts: readonly Host[], origin: FailureOrigin, policy: OutlierPolicy): StandOut {
  const { successRate, failurePercentage } = policy;
  const enough = Math.min(successRate.minimumHosts, failurePercentage.minimumHosts);
  if (hosts.length < enough) return { summary: NO_RATES, found: [] };
  const busy = (volume: number): Host[] =>
    hosts.filter(({ ejected, rates }) => !ejected && rates[origin].last.volume >= Math.max(1, volume));
  const told = Math.min(successRate.requestVolume, failurePercentage.requestVolume);
  for (const { rates } of busy(told)) rates[origin].shown = rates[origin].last.percent;
  const rated = busy(successRate.requestVolume);
  const counted = busy(failurePercentage.requestVolume);
  const summary = rated.length >= Math.max(1, successRate.minimumHosts) ? summarize(rated, origin, policy) : NO_RATES;
  const percentOf = ({ rates }: Host): number => rates[origin].last.percent;
  const slow = summary === NO_RATES ? [] : rated.filter((host) => percentOf(host) < summary.threshold);
  const failing =
    counted.length < Math.max(1, failurePercentage.minimumHosts)
      ? []
      : counted.filter((host) => 100 - percentOf(host) >= failurePercentage.threshold);
  return {
    summary,
    found: [
      ...slow.map((host) => ({ host, by: 'success_rate' as const })),
      ...failing.map((host) => ({ host, by: 'failure_percentage' as const })),
    ],
  };
}

function summarize(hosts: readonly Host[], origin: FailureOrigin, { successRate }: OutlierPolicy): RateSummary {
  const rates = hosts.map(({ rates: of }) => of[origin].last.percent);
  const average = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - average) ** 2, 0) / rates.length;
  return { average, threshold: average - successRate.stdevFactor * Math.sqrt(variance) };
}
