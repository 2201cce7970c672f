import type { Clock, Random, Timer } from '#domain';
import type { HealthCheckPolicy } from '../../config/health-check-config.ts';
import type { Host } from '../host.ts';
import type { FailureType, HealthEvent } from './events.ts';
import type { HealthProbe, ProbeResult } from './probe.ts';

/** Whether a result changed what the host counts as, or will if more of its kind follow. */
type Transition = 'unchanged' | 'pending' | 'changed';

export interface HostCheckOptions {
  readonly host: Host;
  readonly policy: HealthCheckPolicy;
  readonly probe: HealthProbe;
  readonly clock: Clock;
  readonly random: Random;
  /** The cluster has made a connection for a request. */
  readonly hasTraffic: () => boolean;
  readonly count: (name: 'attempt' | 'success' | 'failure' | 'network_failure' | 'passive_failure') => void;
  readonly log: (event: HealthEvent) => void;
  /** A result is in. `changed`: balancing must look again. */
  readonly onResult: (host: Host, result: { readonly healthy: boolean; readonly changed: boolean }) => void;
}

/**
 * The active health check of one host. The first result counts at once, later ones when enough of them follow each other.
 * Source: ActiveHealthCheckSession in Envoy's health_checker_base_impl.cc.
 */
export class HostCheck {
  readonly #options: HostCheckOptions;
  #first = true;
  #successes = 0;
  #failures = 0;
  #interval: Timer | undefined;
  #timeout: Timer | undefined;
  #stopped = false;

  constructor(options: HostCheckOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, policy, random } = this.#options;
    if (policy.initialJitterMs === 0) this.#begin();
    else {
      const waitMs = Math.max(1, random.below(policy.initialJitterMs));
      this.#interval = clock.after(waitMs, () => this.#begin());
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#interval?.cancel();
    this.#timeout?.cancel();
    this.#options.probe.close();
  }

  /** The host said in the answer to a request that it is not well. */
  failPassively(): void {
    this.#fail('PASSIVE', false);
  }

  #begin(): void {
    const { clock, count, policy, probe } = this.#options;
    count('attempt');
    let over = false;
    this.#timeout = clock.after(policy.timeoutMs, () => {
      over = true;
      probe.abandon();
      this.#failed('NETWORK_TIMEOUT', false);
    });
    probe.run((result) => {
      if (over || this.#stopped) return;
      over = true;
      this.#timeout?.cancel();
      this.#finished(result);
    });
  }

  #finished(result: ProbeResult): void {
    if (result.healthy) {
      this.#succeeded(result.degraded);
      return;
    }
    if (result.excluded === true) this.#options.host.excludedByItself = true;
    this.#failed(result.type, result.retriable, result.status);
  }

  #succeeded(degraded: boolean): void {
    const { host, policy, log, clock, count } = this.#options;
    this.#failures = 0;
    let transition: Transition = 'unchanged';
    if (host.failedCheck) {
      host.warmSince = clock.monotonic();
      if (this.#first || ++this.#successes === policy.healthyThreshold) {
        host.failedCheck = false;
        host.checkTimedOut = false;
        host.excludedByItself = false;
        transition = 'changed';
        log({ add_healthy_event: { first_check: this.#first } });
      } else transition = 'pending';
    }
    if (transition !== 'changed' && policy.logsSuccesses) log({ successful_health_check_event: {} });
    transition = this.#clearPending(transition);
    if (degraded !== host.degradedByCheck) {
      host.degradedByCheck = degraded;
      log(degraded ? { degraded_healthy_host: {} } : { no_longer_degraded_host: {} });
      if (transition === 'unchanged') transition = 'changed';
    }
    count('success');
    this.#first = false;
    this.#tell(true, transition);
    this.#schedule(true, transition);
  }

  #failed(type: FailureType, retriable: boolean, status = 0): void {
    const transition = this.#fail(type, retriable, status);
    if (!this.#stopped) this.#schedule(false, transition);
  }

  #fail(type: FailureType, retriable: boolean, status = 0): Transition {
    const { host, policy, log, count } = this.#options;
    const network = type === 'NETWORK' || type === 'NETWORK_TIMEOUT';
    this.#successes = 0;
    let transition: Transition = 'unchanged';
    if (!host.failedCheck) {
      if (!(network || retriable) || ++this.#failures === policy.unhealthyThreshold) {
        host.failedCheck = true;
        transition = 'changed';
        log({ eject_unhealthy_event: { failure_type: type, http_status_code: status } });
      } else transition = 'pending';
    }
    host.checkTimedOut = type === 'NETWORK_TIMEOUT' && host.failedCheck;
    transition = this.#clearPending(transition);
    if (this.#first || policy.logsFailures) {
      log({
        health_check_failure_event: { failure_type: type, first_check: this.#first, http_status_code: status },
      });
    }
    count('failure');
    if (network) count('network_failure');
    else if (type === 'PASSIVE') count('passive_failure');
    this.#first = false;
    this.#tell(false, transition);
    return transition;
  }

  /** A host that waited for its first check is from now on counted among the others. */
  #clearPending(transition: Transition): Transition {
    const { host } = this.#options;
    if (!host.awaitsFirstCheck) return transition;
    host.awaitsFirstCheck = false;
    return 'changed';
  }

  #tell(healthy: boolean, transition: Transition): void {
    this.#options.onResult(this.#options.host, { healthy, changed: transition === 'changed' });
  }

  #schedule(healthy: boolean, transition: Transition): void {
    const { clock, policy, random } = this.#options;
    const baseMs = this.#baseInterval(healthy, transition);
    const percentMs = Math.floor((policy.intervalJitterPercent * baseMs) / 100);
    const jitterMs =
      (percentMs > 0 ? random.below(percentMs) : 0) +
      (policy.intervalJitterMs > 0 ? random.below(policy.intervalJitterMs) : 0);
    this.#interval = clock.after(Math.max(1, baseMs + jitterMs), () => this.#begin());
  }

  #baseInterval(healthy: boolean, transition: Transition): number {
    const { hasTraffic, policy } = this.#options;
    const pending = transition === 'pending';
    if (!hasTraffic()) return healthy && !pending ? policy.noTrafficHealthyMs : policy.noTrafficMs;
    if (healthy) return pending ? policy.healthyEdgeMs : policy.intervalMs;
    return pending ? policy.unhealthyEdgeMs : policy.unhealthyIntervalMs;
  }
}
