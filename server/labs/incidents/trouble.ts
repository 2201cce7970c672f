import type { Clock, Timer } from '#domain';
import type { Sandbox } from '#sandbox';
import type { Lab, LabFile } from '../catalog.ts';
import type { ActionSpec } from './incident-schema.ts';
import { podsOf } from './proofs.ts';

export interface TroubleOptions {
  readonly lab: Lab;
  readonly clock: Clock;
  readonly sandbox: () => Sandbox;
  /** Somebody else applies these. */
  readonly apply: (files: readonly LabFile[], title: string) => void;
  /** This traffic begins. */
  readonly send: (traffic: string) => void;
  /** Something of the schedule has happened. */
  readonly onAction: () => void;
}

/** What comes over the mesh by itself. */
export interface Trouble {
  /** Begins the schedule; `leadMs` replaces the time of its first action. */
  begin(schedule: readonly ActionSpec[], leadMs: number | undefined): void;
  /** Whether the first action has happened. */
  begun(): boolean;
  /** Pods by the strain that was laid on one of them. */
  strained(): ReadonlyMap<string, string>;
  stop(): void;
}

export function createTrouble(options: TroubleOptions): Trouble {
  const { lab, clock, sandbox } = options;
  const timers = new Set<Timer>();
  const strained = new Map<string, string>();
  let begun = false;

  const later = (ms: number, run: () => void): void => {
    const timer = clock.after(ms, () => {
      timers.delete(timer);
      run();
    });
    timers.add(timer);
  };
  const strain = (given: NonNullable<ActionSpec['strain']>): void => {
    const { name, nth, env, namespace, labels } = given;
    const pod = nth === undefined ? undefined : podsOf(sandbox(), given)[nth]?.name;
    if (pod !== undefined) strained.set(name, pod);
    const over = Object.keys(env).length === 0;
    sandbox().strain(name, over ? undefined : { namespace, labels, env, ...(pod === undefined ? {} : { pod }) });
  };
  const flood = (
    { folder, each, everyMs, times, first }: NonNullable<ActionSpec['flood']>,
    title: string,
    turn = 0,
  ): void => {
    if (turn >= times) return;
    const from = first + turn * each;
    const files = lab.folder(folder).map(({ file, text }) => ({
      file,
      text: Array.from({ length: each }, (_, i) => text.replaceAll('{n}', String(from + i))).join('\n---\n'),
    }));
    options.apply(files, title);
    later(everyMs, () => flood({ folder, each, everyMs, times, first }, title, turn + 1));
  };
  const act = (action: ActionSpec): void => {
    begun = true;
    const title = action.title ?? 'a change';
    for (const id of action.send ?? []) options.send(id);
    if (action.strain) strain(action.strain);
    if (action.apply !== undefined) options.apply(lab.folder(action.apply), title);
    if (action.flood) flood(action.flood, title);
    options.onAction();
  };
  return {
    begin: (schedule, leadMs) => {
      const shift = leadMs === undefined ? 0 : (schedule[0]?.afterMs ?? 0) - leadMs;
      for (const action of schedule) later(Math.max(0, action.afterMs - shift), () => act(action));
    },
    begun: () => begun,
    strained: () => strained,
    stop: () => {
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
  };
}
