import { useEffect, useMemo, useRef, useState } from 'react';
import { changeProgress, loadProgress } from '../../components/progress.ts';
import type { Explain } from '../../course/exercises.ts';
import { checkWords } from '../../course/word-check.ts';
import { addEntry } from '../cards/add-entry.ts';
import { Icon } from '../cards/icon.tsx';
import { ScrollArea } from '../parts/scroll-area.tsx';
import { gradeText, leastWords, mostWords, ruleTexts } from './grade-text.ts';
import { borrowedShare } from './sentences.ts';

/** The share of a text that may come from a model. */
const mostBorrowed = 0.5;

const ids = Object.keys(ruleTexts) as (keyof typeof ruleTexts)[];

/** A hundred words on one question. The rules are shown first; the learner marks first, then the machine. */
export default function ExplainText({ exercise }: { exercise: Explain }) {
  const key = `explain:${exercise.id}`;
  const [text, setText] = useState(() => loadProgress().texts[key] ?? '');
  const [own, setOwn] = useState<Readonly<Record<string, number>>>({});
  const [graded, setGraded] = useState<string>();
  const result = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    changeProgress((progress) => ({ ...progress, texts: { ...progress.texts, [key]: text } }));
  }, [key, text]);
  const { words } = checkWords(text, []);
  const grade = useMemo(() => (graded === undefined ? undefined : gradeText(exercise, graded)), [exercise, graded]);
  const borrowed = graded === undefined ? 0 : borrowedShare(exercise, graded);
  const copied = borrowed > mostBorrowed;
  const marked = ids.filter((id) => own[id] !== undefined).length;
  const check = () => {
    const next = gradeText(exercise, text);
    const passed = next.passed && borrowedShare(exercise, text) <= mostBorrowed;
    setGraded(text);
    void addEntry({ kind: 'exercise', exercise: key, score: next.score, of: next.of, passed });
    requestAnimationFrame(() => result.current?.focus());
  };
  return (
    <div className="explain">
      <section aria-labelledby="x-rules">
        <h2 id="x-rules">How it is marked</h2>
        <dl className="rules">
          {ids.map((id) => (
            <div key={id}>
              <dt>{ruleTexts[id].name}</dt>
              <dd>{ruleTexts[id].rule}</dd>
            </div>
          ))}
        </dl>
        <p>
          {leastWords} to {mostWords} words, most of them your own. You pass with 10 of 15 and no zero. A machine cannot
          judge style; the models can.
        </p>
        <p>
          Key terms: <b>{exercise.terms.join(', ')}</b>.
        </p>
      </section>
      <label className="field">
        <span>
          Your text, {words} {words === 1 ? 'word' : 'words'}
        </span>
        <textarea rows={9} maxLength={4_000} value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <section aria-labelledby="x-own">
        <h2 id="x-own">Your own marks, before the machine’s</h2>
        <div className="own-marks">
          {ids.map((id) => (
            <fieldset key={id}>
              <legend>{ruleTexts[id].name}</legend>
              {[0, 1, 2, 3].map((mark) => (
                <label key={mark}>
                  <input
                    type="radio"
                    name={`own-${id}`}
                    checked={own[id] === mark}
                    onChange={() => setOwn({ ...own, [id]: mark })}
                  />{' '}
                  {mark}
                </label>
              ))}
            </fieldset>
          ))}
        </div>
        <button type="button" className="btn go big" disabled={marked < ids.length || words === 0} onClick={check}>
          {words === 0 ? 'Write first' : marked < ids.length ? `${ids.length - marked} marks to give` : 'Mark it'}
        </button>
      </section>
      {grade && (
        <section className="grade-result" aria-labelledby="x-result">
          <h2 id="x-result" ref={result} tabIndex={-1}>
            {grade.passed && !copied ? 'Passed' : 'Not yet'}: {grade.score} of 15, {grade.words} words
          </h2>
          <ScrollArea label="Marks by rule">
            <table>
              <thead>
                <tr>
                  <th scope="col">Rule</th>
                  <th scope="col">You</th>
                  <th scope="col">Machine</th>
                  <th scope="col">What it found</th>
                </tr>
              </thead>
              <tbody>
                {grade.rules.map(({ id, name, mark, found, wrong, advice }) => (
                  <tr key={id}>
                    <th scope="row">{name}</th>
                    <td className="num">{own[id]}</td>
                    <td className="num">{mark}</td>
                    <td>
                      {wrong > 0 && <Icon name="x" />} {found.join(id === 'correct' ? ' ' : ', ') || '–'}{' '}
                      {advice && <em>{advice}</em>}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollArea>
          {(grade.words < leastWords || grade.words > mostWords) && (
            <p>
              It has {grade.words} words.{' '}
              {grade.words < leastWords ? 'Say more of the why.' : 'Cut what does not answer the question.'}
            </p>
          )}
          {copied && (
            <p>
              {Math.round(borrowed * 100)} % of its words stand in a model in the same order. Close the models and say
              it in your own words.
            </p>
          )}
          <h2>Three models</h2>
          {exercise.models.map((model) => (
            <details key={model.name}>
              <summary>{model.name}</summary>
              <blockquote>{model.text}</blockquote>
              <p>{model.note}</p>
            </details>
          ))}
        </section>
      )}
    </div>
  );
}
