import type { CheckView } from '#contract';
import { atRest } from './at-rest.ts';
import type { CheckSpec, ProbeSpec } from './lab-schema.ts';
import { runProbeCommand } from './probes/commands.ts';
import { freshFigures } from './probes/counters.ts';
import { watchEjections } from './probes/ejections.ts';
import type { BatchMemory } from './probes/evidence.ts';
import { watchFirstFlag } from './probes/first-flag.ts';
import { judgeMeasured } from './probes/measured.ts';
import {
  batchesOf,
  commandsOf,
  ejectionsOf,
  firstFlagsOf,
  measuredOf,
  type ProbeContext,
  stateHolds,
} from './probes/state.ts';
import { unmetState } from './probes/unmet.ts';
import { runBatch } from './run-batch.ts';
import type { SteadyTotals, Traffic } from './traffic.ts';

export interface ChecksOptions {
  readonly specs: readonly CheckSpec[];
  readonly context: () => ProbeContext;
  readonly traffic: () => Traffic;
  readonly alreadyMet: readonly string[];
  /** Slows the mesh's clock to this share of its rate, for a batch that the machine was too slow for. Absent: it cannot be slowed. */
  readonly setPace?: (share: number) => void;
  readonly onChange: (views: CheckView[], newlyMet: string[]) => void;
}

/** A lab's checks. A check that was met stays met: a lab moves on, and its later steps undo the earlier states. */
export interface Checks {
  views(): CheckView[];
  met(): string[];
  /** Looks at the present state; called after every change of the mesh. Never sends a request. */
  observe(): void;
  /** Runs the batches of each check whose turn it is, in order. While a run is under way, a second call waits for it. */
  run(): Promise<CheckView[]>;
  answer(check: string, choices: Readonly<Record<string, string>>): CheckView[];
  /** What the learner last chose at each check, right or wrong. */
  answered(): ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Whether a state holds now, also one that looks back to a check. */
  holds(probe: ProbeSpec): boolean;
  reset(): void;
  /** The first check that is not met, and could be. */
  next(): CheckSpec | undefined;
}

interface Progress {
  met: boolean;
  running: boolean;
  seen: string | undefined;
}

/** How the lab was when a check was met. */
interface Mark {
  readonly pods: ReadonlySet<string>;
  readonly steady: ReadonlyMap<string, SteadyTotals>;
}

export function createChecks(options: ChecksOptions): Checks {
  const { specs } = options;
  const start = (met: readonly string[]): Map<string, Progress> =>
    new Map(specs.map(({ id }) => [id, { met: met.includes(id), running: false, seen: undefined }]));
  let progress = start(options.alreadyMet);
  let runs = 1;
  const batches = new Map<string, BatchMemory>();
  const marks = new Map<string, Mark>();
  const answered = new Map<string, Readonly<Record<string, string>>>();
  let underWay: Promise<CheckView[]> | undefined;
  const isMet = (id: string): boolean => progress.get(id)?.met === true;
  const ready = (spec: CheckSpec): boolean => spec.needs.every(isMet);

  const views = (): CheckView[] => specs.map((spec) => toView(spec, progress.get(spec.id), ready(spec)));
  const open = (): CheckSpec[] => specs.filter((spec) => !isMet(spec.id) && ready(spec));
  const tell = (id: string, seen: string | undefined): void => {
    const own = progress.get(id);
    if (own) own.seen = seen;
  };
  const meet = (met: readonly CheckSpec[]): void => {
    for (const { id } of met) {
      const own = progress.get(id);
      if (own) own.met = true;
      const { states, totals } = options.traffic();
      marks.set(id, {
        pods: new Set(options.context().sandbox.pods.map(({ name }) => name)),
        steady: new Map(states().map(({ id: traffic }) => [traffic, totals(traffic)])),
      });
    }
    options.onChange(
      views(),
      met.map(({ id }) => id),
    );
  };

  const context = (): ProbeContext => ({
    ...options.context(),
    recent: (traffic) => options.traffic().recent(traffic),
    podsAt: (check) => marks.get(check)?.pods,
    steadySince: (traffic, check) => {
      const then = marks.get(check)?.steady.get(traffic);
      if (then === undefined) return undefined;
      const now = options.traffic().totals(traffic);
      return { sent: now.sent - then.sent, failed: now.failed - then.failed };
    },
  });

  const observe = (): void => {
    // Meeting one check may open the next.
    for (;;) {
      const met = open().filter((spec) => isStateOnly(spec.probe) && stateHolds(spec.probe, context()));
      if (met.length === 0) return;
      // What was missing when somebody last asked is there now.
      for (const { id } of met) tell(id, undefined);
      meet(met);
    }
  };

  const runOne = async (spec: CheckSpec, own: Progress): Promise<boolean> => {
    if (spec.probe.answers) return false;
    const now = context();
    if (!stateHolds(spec.probe, now)) {
      own.seen = notYet(spec.probe, now);
      return false;
    }
    own.running = true;
    options.onChange(views(), []);
    try {
      for (const batch of batchesOf(spec.probe)) {
        const { verdict, memory } = await runBatch(batch, options.traffic(), {
          context: now,
          earlier: batches,
          nextRun: () => runs++,
          setPace: options.setPace,
          onSlower: (text) => {
            own.seen = text;
            options.onChange(views(), []);
          },
        });
        own.seen = verdict.seen;
        if (!verdict.met) return false;
        batches.set(spec.id, memory);
      }
      for (const watched of ejectionsOf(spec.probe)) {
        const verdict = await watchEjections(watched, options.traffic(), now.sandbox);
        own.seen = verdict.seen;
        if (!verdict.met) return false;
      }
      for (const command of commandsOf(spec.probe)) {
        const verdict = await runProbeCommand(command, now.sandbox);
        own.seen = verdict.seen;
        if (!verdict.met) return false;
      }
      for (const measured of measuredOf(spec.probe)) {
        const verdict = await judgeMeasured(measured, now.sandbox);
        own.seen = verdict.seen;
        if (!verdict.met) return false;
      }
      for (const flag of firstFlagsOf(spec.probe)) {
        const verdict = await watchFirstFlag(flag, now.sandbox);
        own.seen = verdict.seen;
        if (!verdict.met) return false;
      }
      await freshFigures(now.sandbox);
      const after = context();
      const holds = stateHolds(spec.probe, after);
      if (!holds) own.seen = notYet(spec.probe, after);
      return holds;
    } finally {
      own.running = false;
    }
  };

  const runAll = async (): Promise<CheckView[]> => {
    const current = progress;
    const { sandbox } = options.context();
    const unrest = await atRest(sandbox);
    await freshFigures(sandbox);
    if (progress !== current) return views();
    observe();
    for (const spec of specs) {
      const own = current.get(spec.id);
      if (!own || own.met || !ready(spec)) continue;
      const met = await runOne(spec, own);
      // A reset came meanwhile: what was seen belongs to a mesh that is gone.
      if (progress !== current) return views();
      if (met) meet([spec]);
      else if (unrest !== undefined && own.seen !== undefined) own.seen = `${own.seen} ${unrest}`;
    }
    observe();
    options.onChange(views(), []);
    return views();
  };

  return {
    views,
    met: () => specs.filter(({ id }) => isMet(id)).map(({ id }) => id),
    observe,
    run: () => {
      underWay ??= runAll().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
    answer: (id, choices) => {
      const spec = specs.find((each) => each.id === id);
      const own = progress.get(id);
      const right = spec?.probe.answers;
      if (!spec || !own || own.met || !right || !ready(spec)) return views();
      answered.set(id, choices);
      const forecast = spec.question?.forecast === true;
      const isGood = (item: string): boolean =>
        forecast ? spec.question?.choices.includes(choices[item] ?? '') === true : choices[item] === right[item];
      const wrong = Object.keys(right).filter((item) => !isGood(item));
      own.seen = wrong.length > 0 ? `Not yet ${forecast ? 'chosen' : 'right'}: ${wrong.join(', ')}.` : undefined;
      if (forecast && wrong.length === 0)
        own.seen = `You said: ${Object.keys(right)
          .map((item) => `${item}: ${choices[item]}`)
          .join('; ')}.`;
      if (wrong.length === 0) meet([spec]);
      return views();
    },
    answered: () => answered,
    holds: (probe) => stateHolds(probe, context()),
    reset: () => {
      progress = start([]);
      batches.clear();
      answered.clear();
      marks.clear();
      options.onChange(views(), []);
    },
    next: () => open()[0],
  };
}

const notYet = (probe: ProbeSpec, context: ProbeContext): string =>
  ['The mesh is not in the state that this check is about yet.', unmetState(probe, context)].filter(Boolean).join(' ');

const isStateOnly = (probe: ProbeSpec): boolean =>
  probe.answers === undefined &&
  [batchesOf, ejectionsOf, commandsOf, measuredOf, firstFlagsOf].every((listed) => listed(probe).length === 0);

function toView(spec: CheckSpec, own: Progress | undefined, ready: boolean): CheckView {
  const { met = false, running = false, seen } = own ?? {};
  return {
    id: spec.id,
    title: spec.title,
    objective: spec.objective,
    state: met ? 'met' : running ? 'running' : ready ? 'unmet' : 'waiting',
    ...(seen === undefined ? {} : { seen }),
    wanted: spec.wanted,
    look: spec.look,
    ...(spec.question && !met ? { question: asked(spec.question) } : {}),
  };
}

const asked = ({ prompt, items, choices }: NonNullable<CheckSpec['question']>): NonNullable<CheckView['question']> => ({
  prompt,
  items,
  choices,
});
