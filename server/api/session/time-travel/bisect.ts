import type { BisectTry, BisectView, Judge, RunSum } from '#contract';
import { createChecks } from '#labs';
import { differences, type Moment, type Moments } from './moments.ts';
import { type ReplayOptions, runUnder } from './replay.ts';
import { sumOf } from './run-sum.ts';
import type { SideMesh } from './side-mesh.ts';

export interface BisectOptions extends ReplayOptions {
  readonly moments: Moments;
  readonly good: number;
  readonly bad: number;
  readonly judge: Judge;
}

/** Halves the pushes between a good one and a bad one until the first bad one is left. */
export interface Bisect {
  /** Runs until it has found the push, or needs the learner's word. */
  go(): Promise<BisectView>;
  /** The learner's word on the push that was asked about. */
  mark(verdict: 'good' | 'bad'): Promise<BisectView>;
}

export function createBisect(options: BisectOptions): Bisect {
  const { moments, judge } = options;
  const between = moments.all().filter(({ number }) => number >= options.good && number <= options.bad);
  const tries: BisectTry[] = [];
  let low = 0;
  let high = between.length - 1;
  let asked: BisectTry | undefined;

  const view = (more: Partial<BisectView> = {}): BisectView => ({
    good: between[low]?.number ?? options.good,
    bad: between[high]?.number ?? options.bad,
    tries: [...tries],
    ...(asked ? { asked: asked.push } : {}),
    ...more,
  });
  const at = (index: number): Moment => between[index] as Moment;

  const tryPush = async (moment: Moment): Promise<BisectTry> => {
    let told: Verdict | undefined;
    const run = await runUnder(options, moment, async (mesh) => {
      if (judge.by === 'check') told = await judgeByCheck(options, judge.check, mesh);
    });
    const sum = sumOf(run.outcomes);
    const verdict = told ?? judgeBySum(judge, sum);
    const done = { push: moment.number, title: moment.title, sum, ...verdict };
    tries.push(done);
    return done;
  };

  const found = (): BisectView => {
    const [before, culprit] = [at(high - 1), at(high)];
    const changed = differences(culprit.changed, before.objects, culprit.objects);
    return view({ found: { push: culprit.number, title: culprit.title, changed } });
  };

  const go = async (): Promise<BisectView> => {
    if (between.length < 2) return view({ stuck: 'There is no push between these two.' });
    if (judge.by !== 'learner' && tries.length === 0) {
      const [first, last] = [await tryPush(at(low)), await tryPush(at(high))];
      const start = first.push === 0 ? 'The start' : `Push ${first.push}`;
      if (first.verdict === 'bad') return view({ stuck: `${start} is bad already: ${first.seen}. Begin before it.` });
      if (last.verdict === 'good')
        return view({ stuck: `Push ${last.push} is good: ${last.seen}. Nothing is broken there.` });
    }
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      const done = await tryPush(at(middle));
      if (done.verdict === 'asked') {
        asked = done;
        return view();
      }
      if (done.verdict === 'good') low = middle;
      else high = middle;
    }
    return found();
  };

  return {
    go,
    mark: async (verdict) => {
      if (asked === undefined) return view();
      const index = between.findIndex(({ number }) => number === asked?.push);
      tries.splice(tries.indexOf(asked), 1, { ...asked, verdict });
      asked = undefined;
      if (verdict === 'good') low = index;
      else high = index;
      return go();
    },
  };
}

type Verdict = Pick<BisectTry, 'verdict' | 'seen'>;

function judgeBySum(judge: Judge, sum: RunSum): Verdict {
  const seen = `${sum.failed} of ${sum.requests} failed, the slowest hundredth took ${Math.round(sum.p99)} ms or more`;
  if (judge.by === 'failures') {
    const share = sum.requests === 0 ? 0 : sum.failed / sum.requests;
    return { verdict: share <= judge.atMost ? 'good' : 'bad', seen };
  }
  if (judge.by === 'latency') return { verdict: sum.p99 <= judge.atMostMs ? 'good' : 'bad', seen };
  return { verdict: 'asked', seen };
}

/** Runs one check of the lab in the mesh of this push, whatever checks it waits for elsewhere. */
async function judgeByCheck({ lab }: BisectOptions, id: string, mesh: SideMesh): Promise<Verdict> {
  const spec = lab.spec.checks.find((check) => check.id === id);
  if (!spec) return { verdict: 'bad', seen: `the lab has no check ${id}` };
  const podsAtStart = new Set(mesh.sandbox.pods.map(({ name }) => name));
  const checks = createChecks({
    specs: [{ ...spec, needs: [] }],
    context: () => ({ sandbox: mesh.sandbox, podsAtStart, pushedVersions: new Map() }),
    traffic: () => mesh.traffic,
    alreadyMet: [],
    onChange: () => undefined,
  });
  const [view] = await checks.run();
  return { verdict: view?.state === 'met' ? 'good' : 'bad', seen: view?.seen ?? spec.title };
}
