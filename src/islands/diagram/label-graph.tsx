import { useMemo, useRef, useState } from 'react';
import type { Graph } from '../../course/exercises.ts';
import { addEntry } from '../cards/add-entry.ts';
import { shuffled } from '../cards/attempt.ts';
import { Icon } from '../cards/icon.tsx';
import { ScrollArea } from '../parts/scroll-area.tsx';
import { Drawing } from './drawing.tsx';
import { gradeLabels } from './grade-graph.ts';

const signs = 'ABCDEFGHIJKLMN';

/** The finished drawing with letters in place of names; each letter gets its name from a menu. */
export default function LabelGraph({ exercise: graph }: { exercise: Graph }) {
  const parts = useMemo(() => graph.parts.filter(({ wrong }) => wrong === undefined), [graph]);
  const offered = useMemo(
    () =>
      shuffled(
        parts.map(({ id }) => id),
        Math.random,
      ),
    [parts],
  );
  const [names, setNames] = useState<Readonly<Record<string, string>>>({});
  const [grade, setGrade] = useState<ReturnType<typeof gradeLabels>>();
  const result = useRef<HTMLHeadingElement>(null);
  const nameOf = (id: string) => graph.parts.find((part) => part.id === id)?.name ?? id;
  const left = parts.filter(({ id }) => !names[id]).length;
  const check = () => {
    const next = gradeLabels(graph, names);
    setGrade(next);
    void addEntry({
      kind: 'exercise',
      exercise: `label:${graph.id}`,
      score: next.score,
      of: next.of,
      passed: next.passed,
    });
    requestAnimationFrame(() => result.current?.focus());
  };
  return (
    <div className="draw">
      <ScrollArea label="The drawing">
        <Drawing
          graph={{ ...graph, parts: parts.map(({ inside: _, ...part }) => part) }}
          parts={parts.map(({ id }) => id)}
          edges={graph.edges}
          nameOf={({ id }, index) => (names[id] ? `${signs[index]}: ${nameOf(names[id])}` : (signs[index] ?? ''))}
          label={`A drawing with ${parts.length} parts, called A to ${signs[parts.length - 1]}. ${graph.edges
            .map(
              ({ from, to, kind }) =>
                `${letterOf(parts, from)} to ${letterOf(parts, to)}, ${graph.kinds.find(({ id }) => id === kind)?.name}`,
            )
            .join('. ')}.`}
        />
      </ScrollArea>
      <ul className="kinds">
        {graph.kinds.map(({ id, name, line }) => (
          <li key={id}>
            <svg width="40" height="8" aria-hidden="true">
              <path d="M0 4H40" className={`edge ${line}`} />
            </svg>{' '}
            {name}
          </li>
        ))}
      </ul>
      <div className="fields labels">
        {parts.map(({ id }, index) => (
          <label key={id} className={`field ${grade ? (grade.wrong.includes(id) ? 'wrong' : 'right') : ''}`}>
            <span>
              {signs[index]} {grade && <Icon name={grade.wrong.includes(id) ? 'x' : 'check'} />}
              {grade && <span className="sr">{grade.wrong.includes(id) ? 'not right' : 'right'}</span>}
            </span>
            <select
              value={names[id] ?? ''}
              onChange={(event) => {
                setGrade(undefined);
                setNames({ ...names, [id]: event.target.value });
              }}
            >
              <option value="">–</option>
              {offered.map((each) => (
                <option key={each} value={each}>
                  {nameOf(each)}
                </option>
              ))}
            </select>
          </label>
        ))}
      </div>
      <button type="button" className="btn go big" disabled={left > 0} onClick={check}>
        {left > 0 ? `${left} names to give` : 'Check the names'}
      </button>
      {grade && (
        <section className="grade-result" aria-labelledby="grade-title">
          <h2 id="grade-title" ref={result} tabIndex={-1}>
            {grade.passed ? 'All names are right.' : `${grade.score} of ${grade.of} names are right`}
          </h2>
          {grade.wrong.length > 0 && <p>Follow the lines: who calls, who configures, and what stands in one pod.</p>}
        </section>
      )}
    </div>
  );
}

function letterOf(parts: readonly { readonly id: string }[], id: string): string {
  return signs[parts.findIndex((part) => part.id === id)] ?? id;
}
