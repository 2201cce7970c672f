import type { Clock, Timer } from '#domain';
import type { ReportedWeightsConfig } from '../config/lb-config.ts';
import type { Headers } from '../http/headers.ts';
import type { Host } from './host.ts';
import { type LoadReport, readLoadReport } from './load-report.ts';

const MAX_WEIGHT = 2 ** 32 - 1;

interface Reported {
  readonly weight: number;
  /** Monotonic time of the first report in a row; undefined: the row begins anew. */
  since: number | undefined;
  readonly at: number;
}

export interface ReportedWeightsOptions {
  readonly config: ReportedWeightsConfig;
  readonly clock: Clock;
  readonly hosts: () => readonly Host[];
  /** Weights are others. */
  readonly changed: () => void;
}

/**
 * Weights of hosts by what they say of their own load: requests a second by utilization, taken over at intervals. A host that says nothing, has
 * only begun, or has been silent for long has the median of the others. Source: orca_weight_manager.cc in Envoy.
 */
export class ReportedWeights {
  readonly #options: ReportedWeightsOptions;
  readonly #reports = new WeakMap<Host, Reported>();
  #timer: Timer | undefined;

  constructor(options: ReportedWeightsOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, config } = this.#options;
    this.#timer = clock.after(config.updateMs, () => {
      this.start();
      this.update();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Looks for a report in headers or trailers of an answer; false: there is none. */
  read(host: Host, headers: Headers): boolean {
    const report = readLoadReport(headers);
    if (report === undefined) return false;
    const weight = weightOf(report, this.#options.config);
    if (weight === undefined) return true;
    const at = this.#options.clock.monotonic();
    this.#reports.set(host, { weight, since: this.#reports.get(host)?.since ?? at, at });
    return true;
  }

  /** Hosts came or went; those that a cluster begins with wait for the first interval. */
  membersChanged(): void {
    if (this.#timer !== undefined) this.update();
  }

  /** Gives each host its weight; priority by priority, as medians are. */
  update(): void {
    const byPriority = Map.groupBy(this.#options.hosts(), ({ endpoint }) => endpoint.priority);
    const changed = [...byPriority.values()].map((hosts) => this.#weigh(hosts));
    if (changed.includes(true)) this.#options.changed();
  }

  #weigh(hosts: readonly Host[]): boolean {
    const told = hosts.map((host) => this.#validWeight(host));
    const median = medianOf(told.filter((weight) => weight !== undefined));
    let changed = false;
    for (const [i, host] of hosts.entries()) {
      const weight = Math.max(1, told[i] ?? median);
      if (weight === host.weight) continue;
      host.reportedWeight = weight;
      changed = true;
    }
    return changed;
  }

  #validWeight(host: Host): number | undefined {
    const { clock, config } = this.#options;
    const report = this.#reports.get(host);
    const now = clock.monotonic();
    if (report?.since === undefined || report.since > now - config.blackoutMs) return undefined;
    if (report.at >= now - config.expirationMs) return report.weight;
    report.since = undefined;
    return undefined;
  }
}

/** Undefined: the report says too little. */
function weightOf(report: LoadReport, { errorPenalty, metricNames }: ReportedWeightsConfig): number | undefined {
  const { rpsFractional: rps, eps } = report;
  if (!(rps > 0)) return undefined;
  const utilization = utilizationOf(report, metricNames) + (errorPenalty * eps) / rps;
  if (!(utilization > 0)) return undefined;
  return Math.trunc(Math.min(MAX_WEIGHT, rps / utilization));
}

/** The highest of the named metrics, else that of the application, else that of the processor. */
function utilizationOf(report: LoadReport, names: readonly string[]): number {
  const named = names.reduce((most, name) => Math.max(most, metricOf(report, name)), 0);
  if (named > 0) return named;
  return report.applicationUtilization > 0 ? report.applicationUtilization : report.cpuUtilization;
}

function metricOf(report: LoadReport, name: string): number {
  if (name === 'cpu_utilization') return report.cpuUtilization;
  if (name === 'mem_utilization') return report.memUtilization;
  if (name === 'application_utilization') return report.applicationUtilization;
  const [, map, key = ''] = /^(named_metrics|utilization)\.(.*)$/.exec(name) ?? [];
  return (map === 'utilization' ? report.utilization : report.namedMetrics).get(key) ?? 0;
}

function medianOf(weights: readonly number[]): number {
  if (weights.length === 0) return 1;
  const sorted = weights.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle]!;
  return sorted.length % 2 === 1 ? upper : Math.trunc((sorted[middle - 1]! + upper) / 2);
}
