import { type EnvoyProcess, startEnvoy as start } from '../../../server/envoy/envoy-process.ts';
import { findEnvoy } from '../../../server/envoy/find-envoy.ts';
import { systemClock } from '../../../server/system.ts';

const START_MS = 60_000;

/** Starts the Envoy that is on PATH; see `startEnvoy` of the product. */
export function startEnvoy(bootstrap: object, adminIp: string): Promise<EnvoyProcess> {
  const program = findEnvoy();
  if (program === undefined) throw new Error('envoy is not on PATH');
  return start({ program, bootstrap, adminIp, clock: systemClock(), startMs: START_MS });
}
