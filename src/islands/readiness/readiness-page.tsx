import { useEffect, useMemo, useState } from 'react';
import type { DayEvidence } from '../../course/readiness.ts';
import { openLibrary } from '../cards/library.ts';
import { PageFrame } from '../cards/page-frame.tsx';
import { buildQueue } from '../cards/queue.ts';
import { createScheduler, foldLog, recall } from '../cards/schedule.ts';
import type { LearnerLogState } from '../cards/use-log.ts';
import { ScrollArea } from '../parts/scroll-area.tsx';
import { useJson } from '../parts/use-json.ts';
import { type DayState, measure, nextHalfHour, type Shares } from './measure.ts';
import { PlanSection } from './plan-section.tsx';
import { HowMeasured, openWhilePrinting } from './report.tsx';

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
  const setExamDate = (date: string) => add({ kind: 'settings', change: { examDate: date } });
  const [name, setName] = useState('');
  useEffect(openWhilePrinting, []);
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
      <HowMeasured log={log} nowMs={nowMs} />
      <PlanSection readiness={readiness} nowMs={nowMs} examDate={examDate} choose={setExamDate} />
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
