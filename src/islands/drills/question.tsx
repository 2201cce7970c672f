import { useEffect, useRef, useState } from 'react';
import type { LogEntry } from '#contract';
import { type BankLab, criteria, type Drill, formatFacts } from '../../course/drills.ts';
import { Icon } from '../cards/icon.tsx';
import { Clock } from './clock.tsx';
import { ownQuestions } from './own-work.ts';
import type { NewAnswer } from './sitting.tsx';

interface Props {
  readonly drill: Drill;
  readonly mock: boolean;
  /** The lab that the third follow-up asks about; absent while it does not exist. */
  readonly lab: BankLab | undefined;
  readonly log: readonly LogEntry[];
  /** Without an answer: the question was skipped. */
  done(answer?: NewAnswer): void;
}

type Stage = 'ask' | 'answering' | 'compare';

/** One question: hear it, answer it against the clock, compare, mark. */
export function Question({ drill, mock, lab, log, done }: Props) {
  const [stage, setStage] = useState<Stage>('ask');
  const [timed, setTimed] = useState(true);
  const [aloud, setAloud] = useState(true);
  const [text, setText] = useState('');
  const [seconds, setSeconds] = useState(0);
  const heading = useRef<HTMLHeadingElement>(null);
  const started = useRef(0);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  const facts = formatFacts[drill.format];
  const begin = () => {
    started.current = Date.now();
    setStage('answering');
  };
  const finish = () => {
    setSeconds(Math.round((Date.now() - started.current) / 1000));
    setStage('compare');
  };
  return (
    <article className="drill">
      <p className="from">
        {facts.name} · {facts.seconds < 120 ? `${facts.seconds} s` : `${facts.seconds / 60} min`}
      </p>
      <h2 className="ask" ref={heading} tabIndex={-1}>
        {drill.ask}
      </h2>
      <p className="how">{facts.how}</p>
      {drill.evidence && <pre className="card-code">{drill.evidence.trimEnd()}</pre>}
      {stage === 'ask' && (
        <div className="begin">
          <fieldset className="row">
            <legend className="sr">How you answer</legend>
            <label>
              <input type="radio" name="how" checked={aloud} onChange={() => setAloud(true)} /> aloud
            </label>
            <label>
              <input type="radio" name="how" checked={!aloud} onChange={() => setAloud(false)} /> typed
            </label>
            {!mock && (
              <label>
                <input type="checkbox" checked={timed} onChange={(event) => setTimed(event.target.checked)} /> with the
                clock
              </label>
            )}
          </fieldset>
          <p className="row">
            <button type="button" className="btn go big" onClick={begin}>
              Begin to answer
            </button>
            <button type="button" className="btn quiet" onClick={() => done()}>
              Skip it
            </button>
          </p>
        </div>
      )}
      {stage === 'answering' && (
        <div className="answering">
          {(timed || mock) && <Clock seconds={facts.seconds} />}
          {!aloud && (
            <label className="field">
              <span>Your answer</span>
              <textarea
                rows={6}
                maxLength={4_000}
                value={text}
                onChange={(event) => setText(event.target.value)}
                // biome-ignore lint/a11y/noAutofocus: the learner has just chosen to type.
                autoFocus
              />
            </label>
          )}
          <button type="button" className="btn go big" onClick={finish}>
            I have said it
          </button>
        </div>
      )}
      {stage === 'compare' && (
        <Compare
          drill={drill}
          text={text}
          own={ownQuestions(log, drill.ownWork, lab)}
          lab={lab}
          late={(timed || mock) && seconds > facts.seconds ? seconds - facts.seconds : 0}
          done={(marks) => done({ question: drill.id, marks, seconds, aloud })}
        />
      )}
    </article>
  );
}

interface CompareProps {
  readonly drill: Drill;
  readonly text: string;
  /** Questions about the learner's own work; none when they have not done the lab. */
  readonly own: readonly string[];
  readonly lab: BankLab | undefined;
  readonly late: number;
  done(marks: Record<string, number>): void;
}

function Compare({ drill, text, own, lab, late, done }: CompareProps) {
  const [said, setSaid] = useState<readonly number[]>([]);
  const [flags, setFlags] = useState<readonly number[]>([]);
  const [marks, setMarks] = useState<Record<string, number>>({});
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const left = criteria.filter(({ id }) => marks[id] === undefined).length;
  return (
    <div className="compare">
      {late > 0 && <p role="status">You took {late} s longer than you were given.</p>}
      {text && (
        <>
          <h3>You wrote</h3>
          <p className="yours">{text}</p>
        </>
      )}
      <h3 ref={heading} tabIndex={-1}>
        Which of these did you say?
      </h3>
      <Ticks lines={drill.points} ticked={said} onChange={setSaid} />
      <h3>And any of these? They count against you.</h3>
      <Ticks lines={drill.redFlags} ticked={flags} onChange={setFlags} />
      <details>
        <summary>One way to say it</summary>
        <blockquote>{drill.model}</blockquote>
      </details>
      {drill.both && (
        <details>
          <summary>With a mesh, or in a library</summary>
          <dl className="both">
            <dt>Mesh</dt>
            <dd>{drill.both.mesh}</dd>
            <dt>Library</dt>
            <dd>{drill.both.library}</dd>
            <dt>When</dt>
            <dd>{drill.both.when}</dd>
          </dl>
        </details>
      )}
      <h3>They ask next</h3>
      <ul className="next-asked">
        {drill.followUps.map((next) => (
          <li key={next}>{next}</li>
        ))}
        {own.map((next) => (
          <li key={next}>
            <b>Your lab.</b> {next}
          </li>
        ))}
        {own.length === 0 && lab && (
          <li className="later">
            A third one asks about your own work in the lab <a href={`/lab/${drill.ownWork.lab}/`}>{lab.title}</a>.
          </li>
        )}
      </ul>
      <h3>Your marks</h3>
      <p className="how">
        {said.length} of {drill.points.length} points{flags.length > 0 && `, ${flags.length} against you`}. 0 is
        missing, 3 is as good as it gets.
      </p>
      <div className="marks">
        {criteria.map(({ id, name, text: what }) => (
          <fieldset key={id}>
            <legend>
              <b>{name}</b> {what}
            </legend>
            {[0, 1, 2, 3].map((mark) => (
              <label key={mark}>
                <input
                  type="radio"
                  name={`mark-${id}`}
                  checked={marks[id] === mark}
                  onChange={() => setMarks({ ...marks, [id]: mark })}
                />{' '}
                {mark}
              </label>
            ))}
          </fieldset>
        ))}
      </div>
      <button type="button" className="btn go big" disabled={left > 0} onClick={() => done(marks)}>
        {left > 0 ? `${left} marks to give` : 'Next'}
        {left === 0 && <Icon name="next" />}
      </button>
    </div>
  );
}

interface TicksProps {
  readonly lines: readonly string[];
  readonly ticked: readonly number[];
  onChange(ticked: readonly number[]): void;
}

function Ticks({ lines, ticked, onChange }: TicksProps) {
  return (
    <ul className="ticks">
      {lines.map((line, index) => (
        <li key={line}>
          <label>
            <input
              type="checkbox"
              checked={ticked.includes(index)}
              onChange={() =>
                onChange(ticked.includes(index) ? ticked.filter((each) => each !== index) : [...ticked, index])
              }
            />
            <span>{line}</span>
          </label>
        </li>
      ))}
    </ul>
  );
}
