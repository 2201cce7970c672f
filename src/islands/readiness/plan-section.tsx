import { examMs } from '../cards/exam.ts';
import { planDays, type Readiness } from './measure.ts';

interface Props {
  readonly readiness: Readiness;
  readonly nowMs: number;
  /** As the date field has it; empty: none. */
  readonly examDate: string;
  choose(date: string): void;
}

const dateName = new Intl.DateTimeFormat('en', { weekday: 'short', day: 'numeric', month: 'short' });

/** The days that are left until the interview, and what fits into them. */
export function PlanSection({ readiness, nowMs, examDate, choose }: Props) {
  const exam = examMs(examDate);
  const plan = exam === undefined ? undefined : planDays(readiness, nowMs, exam);
  return (
    <section aria-labelledby="r-plan" className="no-print">
      <h2 id="r-plan">Until the interview</h2>
      <label className="field exam">
        <span>Date of your interview</span>
        <input type="date" value={examDate} onChange={(event) => choose(event.target.value)} />
      </label>
      {exam === undefined && (
        <p>Set a date, and the days that are not ready yet are spread over the time that is left.</p>
      )}
      {exam !== undefined && exam <= nowMs && (
        <p>
          {new Date(exam).toDateString() === new Date(nowMs).toDateString()
            ? 'It is today. Review the cards that are due, and answer two questions aloud.'
            : 'That date is past.'}
        </p>
      )}
      {exam !== undefined && exam > nowMs && plan?.dates.length === 0 && (
        <p>Every day is ready. Repeat what is due, and take a mock interview.</p>
      )}
      {plan && plan.dates.length > 0 && (
        <ol className="plan-days">
          {plan.dates.map(({ date, days }) => (
            <li key={date}>
              <span className="num">{dateName.format(date)}</span>
              <span>
                {days.map((day, index) => (
                  <span key={day}>
                    {index > 0 && ', '}
                    <a href={`/days/${day}/`}>day {day}</a>
                  </span>
                ))}
              </span>
            </li>
          ))}
        </ol>
      )}
      {plan && plan.left.length > 0 && (
        <p>No time is left for day {ranges(plan.left).join(', ')}. The others move your total more.</p>
      )}
    </section>
  );
}

/** `1 to 5`, `7`: runs of numbers, in words. */
function ranges(numbers: readonly number[]): string[] {
  const runs: number[][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run && run.at(-1) === number - 1) run.push(number);
    else runs.push([number]);
  }
  return runs.map((run) => (run.length < 3 ? run.join(', ') : `${run[0]} to ${run.at(-1)}`));
}
