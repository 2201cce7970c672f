import { type Answered, type Report, scoreOf } from './choose.ts';

const criterionAdvice: Readonly<Record<string, string>> = {
  clarify: 'Before you answer, say in one sentence what you take the question to mean.',
  model: 'Say who does what: the caller’s proxy, the callee’s proxy, istiod or the app. Give the order.',
  terms: 'Use the exact word once, and then stay with it. The cards of these days help.',
  tradeoff: 'End with a price or a limit: what you gave up, or when you would not do it.',
  prove: 'Name one thing you would look at to be sure: a flag, a metric, a command.',
};

/** The two weakest criteria, time, and the weakest topic or the next level, in sentences. */
export function adviceOf(
  report: Report,
  answered: readonly Answered[],
  titles: ReadonlyMap<string, string>,
): readonly string[] {
  const weak = report.byCriterion
    .filter(({ share }) => share < 0.67)
    .toSorted((a, b) => a.share - b.share)
    .slice(0, 2)
    .flatMap(({ id }) => criterionAdvice[id] ?? []);
  const worst = answered.toSorted((a, b) => scoreOf(a.entry) - scoreOf(b.entry))[0]?.drill;
  const topic = worst
    ? [`Read day ${worst.day} again and do its lab: ${titles.get(worst.topic) ?? worst.topic} went worst.`]
    : [];
  const late = report.late > 1 ? ['Answer in half of the time first. Details are for the follow-ups.'] : [];
  return [...weak, ...late, ...(report.share < 0.85 ? topic : ['Go up one level, or let somebody else ask you.'])];
}
