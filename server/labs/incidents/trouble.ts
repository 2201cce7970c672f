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

type FloodSpec = NonNullable<ActionSpec['flood']>;

/** A program without pods, or without a template, is looked at again. */
const LOOK_AGAIN_MS = 250;
const SETTLE_MS = 60_000;

/** What the program of a flood writes in its nth turn; undefined while it does not run. */
function written(
  { namespace, labels, template, each, total }: FloodSpec,
  turn: number,
  sandbox: Sandbox,
): string | undefined {
  const runs = podsOf(sandbox, { namespace, labels }).some(({ containers }) => containers.every(({ ready }) => ready));
  const data = sandbox.store.get('ConfigMap', { namespace, name: template.name })?.['data'] as
    | Readonly<Record<string, string>>
    | undefined;
  const entry = data?.[template.key];
  if (!runs || entry === undefined) return undefined;
  const from = turn * each;
  const one = (place: number): string =>
    entry.replaceAll('{n}', String((place % total) + 1)).replaceAll('{round}', String(Math.floor(place / total) + 1));
  return Array.from({ length: each }, (_, i) => one(from + i)).join('\n---\n');
}

export function createTrouble(options: TroubleOptions): Trouble {
  const { lab, clock, sandbox } = options;
  const timers = new Set<Timer>();
  const strained = new Map<string, string>();
  let begun = false;
  let stopped = false;

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
  const flood = async (spec: FloodSpec, turn = 0): Promise<void> => {
    const text = written(spec, turn, sandbox());
    if (text !== undefined) await store(text, spec.namespace);
    if (stopped) return;
    if (text === undefined) later(LOOK_AGAIN_MS, () => begin(spec, turn));
    else later(0, () => begin(spec, turn + 1));
  };
  const begin = (spec: FloodSpec, turn = 0): void => {
    flood(spec, turn).catch(() => later(LOOK_AGAIN_MS, () => begin(spec, turn)));
  };
  const store = async (text: string, namespace: string): Promise<void> => {
    const { changeId } = await sandbox().apply([{ file: 'flood.yaml', text }], { namespace });
    await sandbox().settled(changeId, SETTLE_MS);
  };
  const act = (action: ActionSpec): void => {
    begun = true;
    const title = action.title ?? 'a change';
    for (const id of action.send ?? []) options.send(id);
    if (action.strain) strain(action.strain);
    if (action.apply !== undefined) options.apply(lab.folder(action.apply), title);
    if (action.flood) begin(action.flood);
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
      stopped = true;
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
  };
}
