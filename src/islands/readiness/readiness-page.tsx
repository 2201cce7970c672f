import { useMemo } from 'react';
import type { DayEvidence } from '../../course/readiness.ts';
import { examMs } from '../cards/exam.ts';
import { openLibrary } from '../cards/library.ts';
import { PageFrame } from '../cards/page-frame.tsx';
import { buildQueue } from '../cards/queue.ts';
import { createScheduler, foldLog, recall } from '../cards/schedule.ts';
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
  const plan = exam === undefined ? [] : planDays(readiness, nowMs, exam);
  const dateName = new Intl.DateTimeFormat('en', { weekday: 'short', day: 'numeric', month: 'short' });
  return (
    <>
      <section aria-labelledby="r-now">
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
        {exam !== undefined && exam <= nowMs && <p>That date is past.</p>}
        {plan.length > 0 && (
          <ol className="plan-days">
            {plan.map(({ date, days }) => (
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
      </section>
      <section aria-labelledby="r-map">
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
        <p>This page as it is, with the date, on paper or as PDF. It says what was measured, and how.</p>
        <button type="button" className="btn" onClick={() => print()}>
          Print the report
        </button>
      </section>
      <p className="only-print">
        Measured on {new Intl.DateTimeFormat('en', { dateStyle: 'long' }).format(nowMs)}, from {log.length} entries of
        the learner’s log.
      </p>
    </>
  );
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
