import { useState } from 'react';
import type { DrillEntry, LogEntry } from '#contract';
import { type Bank, criteria, type Drill, type Format, formatFacts } from '../../course/drills.ts';
import { type Report, reportOf } from './choose.ts';
import { Question } from './question.tsx';

export type NewAnswer = Pick<DrillEntry, 'question' | 'marks' | 'seconds' | 'aloud'>;

interface Props {
  readonly drills: readonly Drill[];
  readonly mock: boolean;
  /** What the learner did, for questions about their own work. */
  readonly log: readonly LogEntry[];
  readonly labs: Bank['labs'];
  readonly titles: ReadonlyMap<string, string>;
  save(answer: NewAnswer): DrillEntry;
  close(): void;
}

/** Questions one after the other, then a report. */
export function Sitting({ drills, mock, log, labs, titles, save, close }: Props) {
  const [place, setPlace] = useState(0);
  const [answers, setAnswers] = useState<readonly DrillEntry[]>([]);
  const drill = drills[place];
  if (!drill) return <End answers={answers} drills={drills} mock={mock} titles={titles} close={close} />;
  return (
    <>
      <div className="sitting-head">
        <p className="num" role="status">
          Question {place + 1} of {drills.length} · {titles.get(drill.topic)} · level {drill.level}
        </p>
        <button type="button" className="btn quiet" onClick={close}>
          Stop here
        </button>
      </div>
      <Question
        key={drill.id}
        drill={drill}
        mock={mock}
        lab={labs[drill.ownWork.lab]}
        log={log}
        done={(answer) => {
          if (answer) setAnswers([...answers, save(answer)]);
          setPlace(place + 1);
        }}
      />
    </>
  );
}

const secondsOf = (format: Format) => formatFacts[format].seconds;
const percent = (share: number) => `${Math.round(share * 100)} %`;

function End({
  answers,
  drills,
  mock,
  titles,
  close,
}: Pick<Props, 'drills' | 'mock' | 'titles' | 'close'> & { answers: readonly DrillEntry[] }) {
  const report = reportOf(answers, drills, secondsOf);
  return (
    <section className="report" aria-labelledby="r-title">
      <h2 id="r-title" tabIndex={-1} ref={(heading) => heading?.focus()}>
        {mock ? 'The report of your interview' : 'That was it'}
      </h2>
      {report ? <Figures report={report} mock={mock} /> : <p>You marked no answer, so there is nothing to report.</p>}
      {report && (
        <>
          <h3>What to do next</h3>
          <ul className="advice">
            {adviceOf(report, answers, drills, titles).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </>
      )}
      <p className="row">
        <button type="button" className="btn go big" onClick={close}>
          Back to the drills
        </button>
        {mock && report && (
          <button type="button" className="btn big" onClick={() => print()}>
            Print the report
          </button>
        )}
      </p>
    </section>
  );
}

function Figures({ report, mock }: { report: Report; mock: boolean }) {
  const names = new Map<string, string>(criteria.map(({ id, name }) => [id, name]));
  return (
    <>
      <p className="band">
        {mock && (
          <>
            By your own marks a panel would say <b>{report.band}</b>:{' '}
          </>
        )}
        {percent(report.share)} of the marks{report.late > 0 && `, ${report.late} over time`}.
      </p>
      <div className="wide two">
        <table>
          <caption>By criterion</caption>
          <tbody>
            {report.byCriterion.map(({ id, share }) => (
              <tr key={id}>
                <th scope="row">{names.get(id) ?? id}</th>
                <td className="num">{percent(share)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <table>
          <caption>By format</caption>
          <tbody>
            {report.byFormat.map(({ format, share, answers }) => (
              <tr key={format}>
                <th scope="row">{formatFacts[format].name}</th>
                <td className="num">{percent(share)}</td>
                <td className="num">{answers === 1 ? '1 answer' : `${answers} answers`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

const criterionAdvice: Readonly<Record<string, string>> = {
  clarify: 'Before you answer, say in one sentence what you take the question to mean.',
  model: 'Say who does what: the caller’s proxy, the callee’s proxy, istiod or the app. Give the order.',
  terms: 'Use the exact word once, and then stay with it. The cards of these days help.',
  tradeoff: 'End with a price or a limit: what you gave up, or when you would not do it.',
  prove: 'Name one thing you would look at to be sure: a flag, a metric, a command.',
};

/** The two weakest criteria, the weakest topic, and time, in sentences. */
function adviceOf(
  report: Report,
  answers: readonly DrillEntry[],
  drills: readonly Drill[],
  titles: ReadonlyMap<string, string>,
): string[] {
  const weak = report.byCriterion
    .filter(({ share }) => share < 0.67)
    .toSorted((a, b) => a.share - b.share)
    .slice(0, 2)
    .flatMap(({ id }) => criterionAdvice[id] ?? []);
  const worst = answers
    .map((answer) => ({ drill: drills.find(({ id }) => id === answer.question), answer }))
    .toSorted((a, b) => sum(a.answer) - sum(b.answer))[0]?.drill;
  const topic = worst
    ? [`Read day ${worst.day} again and do its lab: ${titles.get(worst.topic) ?? worst.topic} went worst.`]
    : [];
  const late = report.late > 1 ? ['Answer in half of the time first. Details are for the follow-ups.'] : [];
  return [...weak, ...late, ...(report.share < 0.85 ? topic : ['Go up one level, or let somebody else ask you.'])];
}

function sum({ marks }: DrillEntry): number {
  return Object.values(marks).reduce((total, mark) => total + mark, 0);
}
