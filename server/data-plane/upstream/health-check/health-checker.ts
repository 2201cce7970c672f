import type { Clock, Random } from '#domain';
import type { HealthCheckPolicy } from '../../config/health-check-config.ts';
import { HEALTH_CHECK_NAMES } from '../../stats/declared-names.ts';
import type { Stats } from '../../stats/stats.ts';
import type { Host } from '../host.ts';
import { eventLine } from './events.ts';
import { HostCheck } from './host-check.ts';
import type { HealthProbe } from './probe.ts';

export interface HealthCheckerOptions {
  readonly policy: HealthCheckPolicy;
  readonly cluster: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: Stats;
  /** `cluster.<name>.` */
  readonly prefix: string;
  readonly createProbe: (host: Host) => HealthProbe;
  readonly hosts: () => readonly Host[];
  readonly hasTraffic: () => boolean;
  readonly onLog: (line: string) => void;
  /** A host passed or failed a check. `changed`: balancing must look again. */
  readonly onResult: (host: Host, result: { readonly healthy: boolean; readonly changed: boolean }) => void;
}

/** Checks every host of a cluster. A new host counts as failed until its first check is over. */
export class HealthChecker {
  readonly #options: HealthCheckerOptions;
  readonly #checks = new Map<Host, HostCheck>();
  /** Hosts whose first check is still under way. */
  readonly #unknown = new Set<Host>();
  #settled: (() => void) | undefined;

  constructor(options: HealthCheckerOptions) {
    this.#options = options;
    const { stats, prefix, hosts } = options;
    stats.declare(`${prefix}health_check.`, HEALTH_CHECK_NAMES);
    const count = (test: (host: Host) => boolean): number => hosts().filter(test).length;
    stats.gauge(`${prefix}health_check.healthy`, () => count((host) => this.#checks.has(host) && !host.failedCheck));
    stats.gauge(`${prefix}health_check.degraded`, () => count((host) => host.degradedByCheck));
  }

  /** A host joined the cluster. */
  add(host: Host): void {
    if (host.endpoint.check.disabled || this.#checks.has(host)) return;
    const { clock, policy, random, hasTraffic, stats, prefix, onLog, cluster } = this.#options;
    host.failedCheck = true;
    this.#unknown.add(host);
    const check = new HostCheck({
      host,
      policy,
      probe: this.#options.createProbe(host),
      clock,
      random,
      hasTraffic,
      count: (name) => {
        stats.stat(`${prefix}health_check.${name}`).value++;
      },
      log: (event) => {
        if (policy.logs) onLog(eventLine(event, host, { cluster, kind: policy.probe.kind, nowMs: clock.now() }));
      },
      onResult: (checked, result) => {
        this.#options.onResult(checked, result);
        this.#known(checked);
      },
    });
    this.#checks.set(host, check);
    check.start();
  }

  /** A host left the cluster. */
  remove(host: Host): void {
    this.#checks.get(host)?.stop();
    this.#checks.delete(host);
    this.#known(host);
  }

  failPassively(host: Host): void {
    host.excludedByItself = true;
    this.#checks.get(host)?.failPassively();
  }

  /** Calls back once the first check of every host that is here now is over, perhaps at once. */
  whenKnown(settled: () => void): void {
    if (this.#unknown.size === 0) settled();
    else this.#settled = settled;
  }

  stop(): void {
    for (const check of this.#checks.values()) check.stop();
    this.#checks.clear();
  }

  #known(host: Host): void {
    this.#unknown.delete(host);
    if (this.#unknown.size > 0) return;
    const settled = this.#settled;
    this.#settled = undefined;
    settled?.();
  }
}
