import type { CheckView } from '#contract';
import type { CheckSpec, ProbeSpec } from './lab-schema.ts';
import { judgeBatch } from './probes/outcomes.ts';
import { batchesOf, type ProbeContext, stateHolds } from './probes/state.ts';
import type { Traffic } from './traffic.ts';

export interface ChecksOptions {
  readonly specs: readonly CheckSpec[];
  readonly context: () => ProbeContext;
  readonly traffic: () => Traffic;
  readonly alreadyMet: readonly string[];
  readonly onChange: (views: CheckView[], newlyMet: string[]) => void;
}

/** A lab's checks. A check that was met stays met: a lab moves on, and its later steps undo the earlier states. */
export interface Checks {
  views(): CheckView[];
  met(): string[];
  /** Looks at the present state; called after every change of the mesh. Never sends a request. */
  observe(): void;
  /** Runs the batches of each check whose turn it is, in order. */
  run(): Promise<CheckView[]>;
  answer(check: string, choices: Readonly<Record<string, string>>): CheckView[];
  reset(): void;
  /** The first check that is not met, and could be. */
  next(): CheckSpec | undefined;
}

interface Progress {
  met: boolean;
  running: boolean;
  seen: string | undefined;
  /** The state the check needs has been seen since the last batch; batches confirm it. */
  answers: Readonly<Record<string, string>> | undefined;
}

export function createChecks(options: ChecksOptions): Checks {
  const fresh = (id: string): Progress => ({
    met: options.alreadyMet.includes(id),
    running: false,
    seen: undefined,
    answers: undefined,
  });
  const progress = new Map<string, Progress>(options.specs.map((spec) => [spec.id, fresh(spec.id)]));
  const of = (id: string): Progress => progress.get(id) ?? fresh(id);
  const ready = (spec: CheckSpec): boolean => spec.needs.every((id) => of(id).met);

  const views = (): CheckView[] => options.specs.map((spec) => toView(spec, of(spec.id), ready(spec)));
  const meet = (met: readonly CheckSpec[]): void => {
    for (const spec of met) of(spec.id).met = true;
    options.onChange(
      views(),
      met.map((spec) => spec.id),
    );
  };
  const open = (): CheckSpec[] => options.specs.filter((spec) => !of(spec.id).met && ready(spec));

  const observe = (): void => {
    const met = open().filter((spec) => isStateOnly(spec.probe) && stateHolds(spec.probe, options.context()));
    if (met.length === 0) return;
    meet(met);
    // Meeting one may open the next.
    observe();
  };

  const runOne = async (spec: CheckSpec): Promise<boolean> => {
    const own = of(spec.id);
    const batches = batchesOf(spec.probe);
    if (batches.length === 0 || spec.probe.answers) return false;
    if (!stateHolds(spec.probe, options.context())) {
      own.seen = 'The mesh is not in the state that this check is about yet.';
      return false;
    }
    own.running = true;
    options.onChange(views(), []);
    try {
      const { hops } = options.context().sandbox;
      for (const batch of batches) {
        const sent = await options.traffic().batch(batch.traffic, batch.requests, batch.headers ?? {});
        const verdict = judgeBatch(batch, sent, hops);
        own.seen = verdict.seen;
        if (!verdict.met) return false;
      }
      return stateHolds(spec.probe, options.context());
    } finally {
      own.running = false;
    }
  };

  return {
    views,
    met: () => options.specs.filter((spec) => of(spec.id).met).map((spec) => spec.id),
    observe,
    run: async () => {
      observe();
      for (const spec of options.specs) {
        if (of(spec.id).met || !ready(spec)) continue;
        if (await runOne(spec)) meet([spec]);
      }
      observe();
      options.onChange(views(), []);
      return views();
    },
    answer: (id, choices) => {
      const spec = options.specs.find((each) => each.id === id);
      const right = spec?.probe.answers;
      if (spec && right && ready(spec)) {
        const wrong = Object.entries(right)
          .filter(([item, choice]) => choices[item] !== choice)
          .map(([item]) => item);
        of(id).answers = choices;
        of(id).seen = wrong.length === 0 ? undefined : `Not yet right: ${wrong.join(', ')}.`;
        if (wrong.length === 0) meet([spec]);
      }
      return views();
    },
    reset: () => {
      for (const spec of options.specs)
        progress.set(spec.id, { met: false, running: false, seen: undefined, answers: undefined });
      options.onChange(views(), []);
    },
    next: () => open()[0],
  };
}

const isStateOnly = (probe: ProbeSpec): boolean => batchesOf(probe).length === 0 && probe.answers === undefined;

function toView(spec: CheckSpec, { met, running, seen }: Progress, ready: boolean): CheckView {
  return {
    id: spec.id,
    title: spec.title,
    objective: spec.objective,
    state: met ? 'met' : running ? 'running' : ready ? 'unmet' : 'waiting',
    ...(seen === undefined ? {} : { seen }),
    wanted: spec.wanted,
    look: spec.look,
    ...(spec.question && !met ? { question: spec.question } : {}),
  };
}
