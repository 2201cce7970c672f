import { z } from 'zod';
import { errorMessage } from '#domain';
import type { Sandbox } from '#sandbox';
import { everyEntry, valueAt } from './fields.ts';

/** A figure that the learner wrote down, beside what the lab's Prometheus answered in the last minutes. */
export const measuredSchema = z.strictObject({
  /** What it is, in the learner's words. */
  named: z.string(),
  /** Where the learner wrote it: a field that begins with a number. */
  figure: z.strictObject({ kind: z.string(), namespace: z.string(), name: z.string(), path: z.string() }),
  /** PromQL with one answer, or none, which counts as 0. */
  query: z.string(),
  prometheus: z.strictObject({ namespace: z.string(), labels: z.record(z.string(), z.string()) }),
  /** How far it may be from the nearest answer, in percent of it. */
  percent: z.number().min(0).max(100).default(5),
});

export type MeasuredProbe = z.infer<typeof measuredSchema>;

const PORT = 9090;
/** Writing figures down takes a while. */
const BACK_S = 120;
const STEP_S = 2;
const LIMIT_MS = 5000;
/** What has just happened is known after the next look of Prometheus at the proxies. */
const LATE_MS = 4000;
const AGAIN_MS = 250;

interface Answered {
  readonly error?: string;
  readonly data?: { readonly result?: readonly { readonly values: readonly (readonly [number, string])[] }[] };
}

interface Verdict {
  readonly met: boolean;
  readonly seen: string;
}

/** Whether a figure is one that Prometheus gives, now, a moment ago or as soon as it has read the proxies again. */
export async function judgeMeasured(spec: MeasuredProbe, sandbox: Sandbox): Promise<Verdict> {
  const { clock } = sandbox;
  const untilMs = clock.monotonic() + LATE_MS;
  for (;;) {
    const verdict = await judge(spec, sandbox);
    if (verdict.met || verdict.final || clock.monotonic() >= untilMs) return verdict;
    await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve));
  }
}

/** `final`: waiting changes nothing. */
async function judge(spec: MeasuredProbe, sandbox: Sandbox): Promise<Verdict & { final?: boolean }> {
  const { kind, path, ...name } = spec.figure;
  const written = String(valueAt(sandbox.store.get(kind, name), path)[0] ?? '').trim();
  const figure = /^\d+(\.\d+)?/.exec(written)?.[0];
  if (figure === undefined) return { met: false, final: true, seen: `${spec.named}: no figure in ${name.name}.` };
  let answers: readonly number[];
  try {
    answers = await ask(spec, sandbox);
  } catch (error) {
    return { met: false, seen: `${spec.named}: Prometheus gives no answer (${errorMessage(error)}).` };
  }
  const share = spec.percent / 100;
  const met = answers.some((answer) => Math.abs(Number(figure) - answer) <= Math.abs(answer) * share);
  return { met, seen: `${spec.named}: you have ${figure}, Prometheus answers ${short(answers.at(-1) ?? 0)}.` };
}

async function ask({ query, prometheus }: MeasuredProbe, sandbox: Sandbox): Promise<readonly number[]> {
  const { namespace, labels } = prometheus;
  const pod = sandbox.pods.find(
    (each) => each.namespace === namespace && everyEntry(labels, (key, value) => each.labels[key] === value),
  );
  if (pod === undefined) throw new Error('its pod is not there');
  const endS = sandbox.clock.now() / 1000;
  const asked = new URLSearchParams({ query, start: String(endS - BACK_S), end: String(endS), step: String(STEP_S) });
  const answer = await pod.fetch(`http://${pod.ip}:${PORT}/api/v1/query_range?${asked}`, { timeoutMs: LIMIT_MS });
  const { error, data } = JSON.parse(answer.body.toString('utf8')) as Answered;
  if (error !== undefined) throw new Error(error);
  const answers = (data?.result?.[0]?.values ?? []).map(([, value]) => Number(value)).filter(Number.isFinite);
  return answers.length === 0 ? [0] : answers;
}

const short = (value: number): string => String(Number(value.toPrecision(3)));
