import type { Clock, Timer } from '#domain';
import type { Sandbox } from '#sandbox';
import type { Lab } from '../catalog.ts';
import type { IncidentOptions } from './doors.ts';
import type { IncidentSpec } from './incident-schema.ts';

/** A change of a rule, when every proxy that it concerns has it. */
export interface Deployed {
  /** When it was made. */
  readonly atMs: number;
  readonly late: boolean;
}

export interface DeploysOptions {
  readonly spec: NonNullable<IncidentSpec['deploys']>;
  readonly lab: Lab;
  readonly clock: Clock;
  readonly sandbox: () => Sandbox;
  /** Makes the change; answers its id. */
  readonly deploy: IncidentOptions['deploy'];
  readonly onDeployed: (deployed: Deployed) => void;
}

export interface Deploys {
  begin(): void;
  /** How many came late in the last `windowMs`. */
  late(windowMs: number): number;
  stop(): void;
}

const SETTLE_MS = 60_000;
const KEPT = 20;

/** Somebody's small changes, one after the other: the next comes when the last is in force. */
export function createDeploys({ spec, lab, clock, sandbox, deploy: make, onDeployed }: DeploysOptions): Deploys {
  let timer: Timer | undefined;
  let stopped = false;
  let number = 0;
  let lateMs: readonly number[] = [];

  const deploy = async (): Promise<void> => {
    number += 1;
    const atMs = clock.now();
    const files = lab
      .folder(spec.folder)
      .map(({ file, text }) => ({ file, text: text.replaceAll('{n}', String(number)) }));
    const summary = await sandbox().settled(await make(files, `${spec.title} ${number}`), SETTLE_MS);
    if (stopped) return;
    const kb = Math.max(0, ...(summary?.proxies ?? []).map(({ bytes }) => bytes)) / 1000;
    // Without a control plane nothing is in force at all.
    const late = summary === undefined || kb > spec.limitKb;
    if (late) lateMs = [...lateMs.slice(-KEPT), clock.now()];
    onDeployed({ atMs, late });
  };
  const next = (): void => {
    timer = clock.after(spec.everyMs, () => {
      // A change that is refused is the learner's doing; the next one may pass.
      deploy()
        .catch(() => undefined)
        .then(() => {
          if (!stopped) next();
        });
    });
  };
  return {
    begin: next,
    late: (windowMs) => lateMs.filter((endMs) => endMs >= clock.now() - windowMs).length,
    stop: () => {
      stopped = true;
      timer?.cancel();
    },
  };
}
