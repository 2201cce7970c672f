import { useEffect, useRef, useState } from 'react';
import { type BankLab, criteria, type Drill } from '../../course/drills.ts';
import { Icon } from '../cards/icon.tsx';
import { WordText } from '../parts/word-text.tsx';

interface Props {
  readonly drill: Drill;
  /** What the learner typed: the answer, and the one to the follow-up. */
  readonly texts: readonly string[];
  /** Questions about the learner's own work; none when they have not done the lab. */
  readonly own: readonly string[];
  /** The follow-up that was asked and answered already. */
  readonly asked: string | undefined;
  readonly lab: BankLab | undefined;
  readonly late: number;
  done(marks: Record<string, number>, missed: readonly string[]): void;
}

/** An honest look: what was said, what was not, a model, and the learner's own marks. */
export function Compare({ drill, texts, own, asked, lab, late, done }: Props) {
  const [said, setSaid] = useState<readonly number[]>([]);
  const [flags, setFlags] = useState<readonly number[]>([]);
  const [marks, setMarks] = useState<Record<string, number>>({});
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const left = criteria.filter(({ id }) => marks[id] === undefined).length;
  return (
    <div className="compare">
      {late > 0 && <p role="status">You took {late} s longer than you were given.</p>}
      {texts.length > 0 && <h3>You wrote</h3>}
      {texts.map((text) => (
        <p className="yours" key={text}>
          {text}
        </p>
      ))}
      <h3 ref={heading} tabIndex={-1}>
        Which of these did you say?
      </h3>
      <Ticks lines={drill.points} ticked={said} onChange={setSaid} />
      <h3>And any of these? They count against you.</h3>
      <Ticks lines={drill.redFlags} ticked={flags} onChange={setFlags} />
      <details>
        <summary>One way to say it</summary>
        <blockquote>
          <WordText text={drill.model} />
        </blockquote>
      </details>
      {drill.both && (
        <details>
          <summary>With a mesh, or in a library</summary>
          <dl className="both">
            <dt>Mesh</dt>
            <dd>
              <WordText text={drill.both.mesh} />
            </dd>
            <dt>Library</dt>
            <dd>
              <WordText text={drill.both.library} />
            </dd>
            <dt>When</dt>
            <dd>{drill.both.when}</dd>
          </dl>
        </details>
      )}
      <h3>{asked ? 'They could also ask' : 'They ask next'}</h3>
      <ul className="next-asked">
        {drill.followUps
          .filter((next) => next !== asked)
          .map((next) => (
            <li key={next}>{next}</li>
          ))}
        {own
          .filter((next) => next !== asked)
          .map((next) => (
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
      <button
        type="button"
        className="btn go big"
        disabled={left > 0}
        onClick={() =>
          done(
            marks,
            drill.points.filter((_, index) => !said.includes(index)),
          )
        }
      >
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
