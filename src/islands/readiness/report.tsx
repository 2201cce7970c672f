import { effective } from '../cards/schedule.ts';
import type { LearnerLogState } from '../cards/use-log.ts';

type Log = LearnerLogState['log'];

/** On paper: how each figure of the report comes about. */
export function HowMeasured({ log, nowMs }: { log: Log; nowMs: number }) {
  return (
    <section className="only-print how-measured">
      <h2>How it was measured</h2>
      <p>
        Recall is the chance, computed by FSRS-6 from the review log, that a card of the objective is known today; a
        card that was never seen counts 0. Labs are checks that a running mesh met; one that took three hints or more
        counts half. Drills are the learner’s own marks for the last answer to each interview question. The areas weigh
        20, 35, 25 and 20 percent.
      </p>
      <p>{countsOf(log, nowMs)}</p>
    </section>
  );
}

/** The numbers behind the report, in a sentence. */
function countsOf(log: Log, nowMs: number): string {
  const entries = effective(log);
  const count = (kind: (typeof entries)[number]['kind']) => entries.filter((entry) => entry.kind === kind).length;
  const sinceMs = entries.reduce((least, { atMs }) => Math.min(least, atMs), nowMs);
  const since = new Intl.DateTimeFormat('en', { dateStyle: 'long' }).format(sinceMs);
  return `It rests on ${count('review')} reviews, ${count('check')} checks of labs and ${count('drill')} answers since ${since}.`;
}

/** Paper folds nothing away: every day is open while the page is printed. */
export function openWhilePrinting(): () => void {
  let opened: HTMLDetailsElement[] = [];
  const open = () => {
    opened = [...document.querySelectorAll<HTMLDetailsElement>('details.day-row:not([open])')];
    for (const row of opened) row.open = true;
  };
  const close = () => {
    for (const row of opened) row.open = false;
  };
  addEventListener('beforeprint', open);
  addEventListener('afterprint', close);
  return () => {
    removeEventListener('beforeprint', open);
    removeEventListener('afterprint', close);
  };
}
