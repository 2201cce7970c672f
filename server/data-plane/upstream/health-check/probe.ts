import type { HealthCheckPolicy } from '../../config/health-check-config.ts';
import type { UpstreamCluster } from '../cluster.ts';
import type { Host } from '../host.ts';

/** What one check of one host found out. */
export type ProbeResult =
  | { readonly healthy: true; readonly degraded: boolean }
  | {
      readonly healthy: false;
      /** ACTIVE: the host answered, and not well. NETWORK: there was no answer. */
      readonly type: 'ACTIVE' | 'NETWORK';
      /** An answer that counts towards the threshold, in place of failing the host at once. */
      readonly retriable: boolean;
      /** Of an HTTP answer. */
      readonly status?: number;
      /** The host asks not to be counted at all (x-envoy-immediate-health-check-fail). */
      readonly excluded?: boolean;
    };

/** Asks one host how it is, again and again, over a connection that it keeps where the policy says so. */
export interface HealthProbe {
  /** Begins one check; `done` is called once, unless the check is abandoned. */
  run(done: (result: ProbeResult) => void): void;
  /** Gives up the check under way, and its connection. */
  abandon(): void;
  close(): void;
}

/** Makes the probe of one host; injected, so that a cluster knows no socket. */
export type ProbeFactory = (cluster: UpstreamCluster, host: Host, policy: HealthCheckPolicy) => HealthProbe;

/** Whether the parts stand in `body` in their order, with anything between them. */
export function holdsInOrder(parts: readonly Buffer[], body: Buffer): boolean {
  let at = 0;
  for (const part of parts) {
    const found = body.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
}
