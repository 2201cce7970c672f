import { useEffect, useMemo, useState } from 'react';
import type { DayEvidence } from '../../course/readiness.ts';
import { examMs } from '../cards/exam.ts';
import { openLibrary } from '../cards/library.ts';
import { PageFrame } from '../cards/page-frame.tsx';
import { buildQueue } from '../cards/queue.ts';
import { createScheduler, effective, foldLog, recall } from '../cards/schedule.ts';
import type { LearnerLogState } from '../cards/use-log.ts';
import { ScrollArea } from '../parts/scroll-area.tsx';
import { useJson } from '../parts/use-json.ts';
import { type DayState, measure, nextHalfHour, planDays, type Shares } from './measure.ts';

export default function ReadinessPage() {
  return <PageFrame>{(log) => <WithMap log={log} />}</PageFrame>;
}

function WithMap({ log }: { log: LearnerLogState }) {
  const { content: map, failed } = useJson<readonly DayEvidence[]>('/readiness/map.json');
  if (failed)
    return (
      <p className="quiet-note" role="alert">
        The map did not load. Reload the page to try again.
      </p>
    );
  if (!map) return <p className="quiet-note">Reading your evidence.</p>;
  return <ReadinessMap map={map} log={log} />;
}

const domainNames: Readonly<Record<DayEvidence['domain'], string>> = {
  install: 'Install and run',
  traffic: 'Traffic',
  security: 'Security',
  troubleshooting: 'Troubleshooting',
};
const percent = (share: number) => `${Math.round(share * 100)} %`;

function ReadinessMap({ map, log: { deck, log, add } }: { map: readonly DayEvidence[]; log: LearnerLogState }) {
  const nowMs = useMemo(() => Date.now(), []);
  const library = useMemo(() => openLibrary(deck, log), [deck, log]);
  const { retention, examDate } = library.settings;
  const scheduler = useMemo(() => createScheduler({ retention }), [retention]);
  const readiness = useMemo(() => {
    const recallOf = (memory: Parameters<typeof recall>[0]) => recall(memory, nowMs, scheduler);
    return measure(map, { log, memories: foldLog(log, scheduler), recallOf });
  }, [map, log, nowMs, scheduler]);
  const due = useMemo(() => {
    const queue = buildQueue({ deck, log, nowMs, scheduler });
    return queue.due + queue.fresh;
  }, [deck, log, nowMs, scheduler]);
  const steps = nextHalfHour(readiness, due);
  const exam = examMs(examDate);
  const plan = exam === undefined ? undefined : planDays(readiness, nowMs, exam);
  const [name, setName] = useState('');
  useEffect(openWhilePrinting, []);
  const dateName = new Intl.DateTimeFormat('en', { weekday: 'short', day: 'numeric', month: 'short' });
  return (
    <>
      <p className="only-print bearer">
        <span>
          <b>{name.trim() || 'A learner'}</b>, Meshwork: service meshes in 28 days
        </span>
        <span>{new Intl.DateTimeFormat('en', { dateStyle: 'long' }).format(nowMs)}</span>
      </p>
      <section aria-labelledby="r-now" className="no-print">
        <h2 id="r-now">The next 30 minutes</h2>
        <ol className="steps">
          {steps.map(({ minutes, text, href }) => (
            <li key={href}>
              <span className="num">{minutes} min</span>
              <a href={href}>{text}</a>
            </li>
          ))}
        </ol>
      </section>
      <section aria-labelledby="r-total">
        <h2 id="r-total">By area of the exam</h2>
        <dl className="figures">
          <div>
            <dt>All, weighted</dt>
            <dd className="num">{percent(readiness.total)}</dd>
          </div>
          {Object.entries(readiness.domains).map(([domain, share]) => (
            <div key={domain}>
              <dt>{domainNames[domain as DayEvidence['domain']]}</dt>
              <dd className="num">{percent(share)}</dd>
            </div>
          ))}
        </dl>
      </section>
      <section className="only-print how-measured">
        <h2>How it was measured</h2>
        <p>
          Recall is the chance, computed by FSRS-6 from the review log, that a card of the objective is known today; a
          card that was never seen counts 0. Labs are checks that a running mesh met; one that took three hints or more
          counts half. Drills are the learner’s own marks for the last answer to each interview question. The areas
          weigh 20, 35, 25 and 20 percent.
        </p>
        <p>{countsOf(log, nowMs)}</p>
      </section>
      <section aria-labelledby="r-plan" className="no-print">
        <h2 id="r-plan">Until the interview</h2>
        <label className="field exam">
          <span>Date of your interview</span>
          <input
            type="date"
            value={examDate}
            onChange={(event) => add({ kind: 'settings', change: { examDate: event.target.value } })}
          />
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
      <section aria-labelledby="r-map" className="map">
        <h2 id="r-map">Every objective</h2>
        <p>
          Recall is what your cards give today. Labs are checks that you met. Drills are the marks of your last answers.
          A dash: the course has none of it there.
        </p>
        {readiness.days.map((day) => (
          <Day key={day.day} day={day} />
        ))}
      </section>
      <section aria-labelledby="r-report" className="no-print">
        <h2 id="r-report">A report to hand in</h2>
        <p>The areas of the exam and every objective, with your name and the date, on paper or as PDF.</p>
        <label className="field exam">
          <span>Name on the report</span>
          <input
            type="text"
            maxLength={80}
            autoComplete="name"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        <button type="button" className="btn" onClick={() => print()}>
          Print the report
        </button>
      </section>
      <section className="no-print" aria-labelledby="r-yours">
        <h2 id="r-yours">All of it is yours</h2>
        <p>
          <a href="/cards/settings/">Write a backup</a> of everything that is kept of you, or{' '}
          <a href="/cards/settings/">erase it</a>.
        </p>
      </section>
    </>
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

/** The numbers behind the report, in a sentence. */
function countsOf(log: LearnerLogState['log'], nowMs: number): string {
  const entries = effective(log);
  const count = (kind: (typeof entries)[number]['kind']) => entries.filter((entry) => entry.kind === kind).length;
  const sinceMs = Math.min(nowMs, ...entries.map(({ atMs }) => atMs));
  const since = new Intl.DateTimeFormat('en', { dateStyle: 'long' }).format(sinceMs);
  return `It rests on ${count('review')} reviews, ${count('check')} checks of labs and ${count('drill')} answers since ${since}.`;
}

/** Paper folds nothing away: every day is open while the page is printed. */
function openWhilePrinting(): () => void {
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

function Day({ day }: { day: DayState }) {
  return (
    <details className="day-row">
      <summary>
        <span>
          Day {day.day} · {day.title}
        </span>
        <Bar share={day.ready} />
        <span className="num">{percent(day.ready)}</span>
      </summary>
      <ScrollArea label="Objectives of the day">
        <table>
          <thead>
            <tr>
              <th scope="col">Objective</th>
              <th scope="col">Recall</th>
              <th scope="col">Labs</th>
              <th scope="col">Drills</th>
            </tr>
          </thead>
          <tbody>
            {day.objectives.map(({ id, text, shares }) => (
              <tr key={id}>
                <th scope="row">
                  <span className="num">{id}</span> {text}
                </th>
                {(['recall', 'labs', 'drills'] as const).map((kind) => (
                  <td key={kind} className="num">
                    {cell(shares, kind)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollArea>
    </details>
  );
}

function cell(shares: Shares, kind: keyof Shares): string {
  const share = shares[kind];
  return share === undefined ? '–' : percent(share);
}

function Bar({ share }: { share: number }) {
  return (
    <svg className="bar-line" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <path d="M0 3H100" className="all" />
      <path d={`M0 3H${share * 100}`} className="used" />
    </svg>
  );
}
