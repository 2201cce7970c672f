import { criteria, type Drill, formatFacts } from '../../course/drills.ts';
import { ScrollArea } from '../parts/scroll-area.tsx';
import { adviceOf } from './advice.ts';
import { type Answered, type Report, reportOf, scoreOf } from './choose.ts';

interface Props {
  readonly answered: readonly Answered[];
  readonly drills: readonly Drill[];
  readonly mock: boolean;
  readonly titles: ReadonlyMap<string, string>;
  close(): void;
}

const percent = (share: number) => `${Math.round(share * 100)} %`;
const names = new Map<string, string>(criteria.map(({ id, name }) => [id, name]));

/** The end of a sitting: marks by criterion, format and question, and what to do next. */
export function SittingReport({ answered, drills, mock, titles, close }: Props) {
  const given = new Map(answered.map(({ entry, given }) => [entry.id, given]));
  const entries = answered.map(({ entry }) => entry);
  const report = reportOf(entries, drills, ({ id }) => given.get(id) ?? Number.POSITIVE_INFINITY);
  const open = drills.length - answered.length;
  return (
    <section className="report" aria-labelledby="r-title">
      <h2 id="r-title" tabIndex={-1} ref={(heading) => heading?.focus()}>
        {mock ? 'The report of your interview' : 'That was it'}
      </h2>
      {mock && <p className="how">{new Intl.DateTimeFormat('en', { dateStyle: 'long' }).format(Date.now())}</p>}
      {report ? (
        <>
          <Figures report={report} mock={mock} open={open} />
          <ByQuestion answered={answered} />
          <h3>What to do next</h3>
          <ul className="advice">
            {adviceOf(report, answered, titles).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </>
      ) : (
        <p>You marked no answer, so there is nothing to report.</p>
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

function Figures({ report, mock, open }: { report: Report; mock: boolean; open: number }) {
  return (
    <>
      <p className="band">
        {mock && (
          <>
            By your own marks a panel would say <b>{report.band}</b>:{' '}
          </>
        )}
        {percent(report.share)} of the marks{report.late > 0 && `, ${report.late} over time`}
        {open > 0 && `, ${open} not answered`}.
      </p>
      {mock && report.missing.length > 0 && (
        <p>
          No answer had anything for {report.missing.map((id) => names.get(id) ?? id).join(' and ')}. That alone holds a
          candidate back.
        </p>
      )}
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

function ByQuestion({ answered }: { answered: readonly Answered[] }) {
  return (
    <ScrollArea label="By question">
      <table className="by-question">
        <caption>By question</caption>
        <thead>
          <tr>
            <th scope="col">Question, and what you left out</th>
            <th scope="col">Marks</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody>
          {answered.map(({ drill, entry, given, missed }) => (
            <tr key={entry.id}>
              <th scope="row">
                {drill.ask}
                {missed.length > 0 && (
                  <ul>
                    {missed.map((point) => (
                      <li key={point}>{point}</li>
                    ))}
                  </ul>
                )}
              </th>
              <td className="num">{percent(scoreOf(entry))}</td>
              <td className="num">
                {entry.seconds}
                {Number.isFinite(given) && ` of ${given}`} s
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollArea>
  );
}
