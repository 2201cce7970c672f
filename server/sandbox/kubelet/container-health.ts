import type { Clock } from '#domain';
import type { ContainerSpec } from '../kube-types.ts';
import { Prober, type ProberOptions } from './prober.ts';

export interface HealthOptions {
  readonly spec: ContainerSpec;
  readonly clock: Clock;
  /** Tries one of the container's probes. */
  readonly probe: ProberOptions['probe'];
  readonly onEvent: (reason: string, message: string, type: 'Normal' | 'Warning') => void;
  /** The container counts as started: its startup probe has succeeded, or it has none. */
  readonly onStarted: () => void;
  readonly onReady: (ready: boolean) => void;
  /** A probe says that the container must be started again. */
  readonly onKill: (message: string) => void;
}

/** The probes of one run of a container: startup first; readiness and liveness begin when it has succeeded. */
export class ContainerHealth {
  readonly #options: HealthOptions;
  #probers: Prober[] = [];

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  start(): void {
    const { spec, onKill } = this.#options;
    if (spec.startupProbe === undefined) {
      this.#started();
      return;
    }
    this.#watch('Startup', spec.startupProbe, (healthy) => {
      this.stop();
      if (healthy) this.#started();
      else onKill(`Container ${spec.name} failed startup probe, will be restarted`);
    });
  }

  stop(): void {
    for (const prober of this.#probers.splice(0)) prober.stop();
  }

  /** Without a readiness probe a program that runs is ready. */
  #started(): void {
    const { spec, onStarted, onReady, onKill } = this.#options;
    onStarted();
    if (spec.readinessProbe === undefined) onReady(true);
    else this.#watch('Readiness', spec.readinessProbe, onReady);
    if (spec.livenessProbe === undefined) return;
    this.#watch('Liveness', spec.livenessProbe, (healthy) => {
      if (!healthy) onKill(`Container ${spec.name} failed liveness probe, will be restarted`);
    });
  }

  #watch(
    which: 'Startup' | 'Readiness' | 'Liveness',
    spec: ProberOptions['spec'],
    onChange: (healthy: boolean) => void,
  ): void {
    const { clock, probe, onEvent } = this.#options;
    const onFailure = (reason: string): void => onEvent('Unhealthy', `${which} probe failed: ${reason}`, 'Warning');
    this.#probers.push(new Prober({ spec, clock, probe, onFailure, onChange }));
  }
}
