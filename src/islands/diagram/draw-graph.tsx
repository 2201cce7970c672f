import { useEffect, useRef, useState } from 'react';
import type { Graph } from '../../course/exercises.ts';
import { addEntry } from '../cards/add-entry.ts';
import { Icon } from '../cards/icon.tsx';
import { ScrollArea } from '../parts/scroll-area.tsx';
import { Drawing } from './drawing.tsx';
import { type DrawnEdge, type GraphGrade, gradeGraph, keyOf } from './grade-graph.ts';
import { keepDrawing, keptDrawing } from './kept-drawing.ts';

/** Builds an architecture as a graph: by a list and three menus, or by dragging from part to part. */
export default function DrawGraph({ exercise: graph }: { exercise: Graph }) {
  const [kept] = useState(() => keptDrawing(graph));
  const [parts, setParts] = useState(kept.parts);
  const [edges, setEdges] = useState(kept.edges);
  useEffect(() => keepDrawing(graph, { parts, edges }), [graph, parts, edges]);
  const [kind, setKind] = useState(graph.kinds[0]?.id ?? '');
  const [grade, setGrade] = useState<GraphGrade>();
  const [said, setSaid] = useState('');
  const result = useRef<HTMLHeadingElement>(null);
  const names = new Map(graph.parts.map(({ id, name }) => [id, name]));
  const kinds = new Map(graph.kinds.map(({ id, name }) => [id, name]));
  const words = ({ from, to, kind: by }: DrawnEdge) => `${names.get(from)} to ${names.get(to)}, ${kinds.get(by)}`;

  const put = (id: string, on: boolean) => {
    setGrade(undefined);
    setParts(on ? [...parts, id] : parts.filter((each) => each !== id));
    if (!on) setEdges(edges.filter(({ from, to }) => from !== id && to !== id));
  };
  const connect = (from: string, to: string, by = kind) => {
    const edge = { from, to, kind: by };
    setGrade(undefined);
    if (edges.some((each) => keyOf(each) === keyOf(edge))) return setSaid('That edge is drawn already.');
    setEdges([...edges, edge]);
    setSaid(`Drawn: ${words(edge)}.`);
  };
  const check = () => {
    const next = gradeGraph(graph, { parts, edges });
    setGrade(next);
    void addEntry({
      kind: 'exercise',
      exercise: `draw:${graph.id}`,
      score: next.score,
      of: next.of,
      passed: next.passed,
    });
    requestAnimationFrame(() => result.current?.focus());
  };
  const marks = new Map(
    grade
      ? [
          ...grade.right.map((edge) => [keyOf(edge), 'right'] as const),
          ...grade.wrong.map(({ edge }) => [keyOf(edge), 'wrong'] as const),
        ]
      : [],
  );
  return (
    <div className="draw">
      <fieldset className="palette">
        <legend>Parts. Not every part belongs in the drawing.</legend>
        {graph.parts.map(({ id, name }) => (
          <label key={id}>
            <input type="checkbox" checked={parts.includes(id)} onChange={(event) => put(id, event.target.checked)} />{' '}
            {name}
          </label>
        ))}
      </fieldset>
      <Connect graph={graph} parts={parts} kind={kind} setKind={setKind} connect={connect} />
      <ScrollArea label="The drawing">
        {parts.length > 0 ? (
          <Drawing
            graph={graph}
            parts={parts}
            edges={edges.map((edge) => {
              const mark = marks.get(keyOf(edge));
              return { ...edge, ...(mark ? { mark } : {}) };
            })}
            connect={connect}
            label={`Your drawing: ${parts.length} parts, ${edges.length} edges. The list below says the same.`}
          />
        ) : (
          <p className="quiet-note">Choose parts, and they appear here.</p>
        )}
      </ScrollArea>
      <h2 className="list-head">Edges</h2>
      {edges.length === 0 && <p>None yet. Choose from, to and kind above, or drag from one part to another.</p>}
      <ul className="edge-list">
        {edges.map((edge) => (
          <li key={keyOf(edge)} className={marks.get(keyOf(edge)) ?? ''}>
            <span>
              {marks.has(keyOf(edge)) && <Icon name={marks.get(keyOf(edge)) === 'right' ? 'check' : 'x'} />}
              {words(edge)}
              {grade?.wrong.find((each) => keyOf(each.edge) === keyOf(edge)) && (
                <em> {grade.wrong.find((each) => keyOf(each.edge) === keyOf(edge))?.why}</em>
              )}
            </span>
            <button
              type="button"
              className="btn quiet"
              aria-label={`Remove ${words(edge)}`}
              onClick={() => {
                setGrade(undefined);
                setEdges(edges.filter((each) => each !== edge));
              }}
            >
              <Icon name="x" />
            </button>
          </li>
        ))}
      </ul>
      <p className="sr" role="status">
        {said}
      </p>
      <button type="button" className="btn go big" disabled={parts.length === 0} onClick={check}>
        Check the drawing
      </button>
      {grade && (
        <section className="grade-result" aria-labelledby="grade-title">
          <h2 id="grade-title" ref={result} tabIndex={-1}>
            {grade.passed && grade.score === grade.of ? 'Complete.' : `${grade.score} of ${grade.of} points`}
          </h2>
          <ul>
            {grade.partsWrong.map(({ part, why }) => (
              <li key={part}>
                <b>{names.get(part)}</b> does not belong here. {why}
              </li>
            ))}
            {grade.wrong.map(({ edge, why }) => (
              <li key={keyOf(edge)}>
                <b>{words(edge)}</b>: {why}
              </li>
            ))}
            {grade.partsMissing.length > 0 && (
              <li>
                {grade.partsMissing.length === 1
                  ? 'One part is missing.'
                  : `${grade.partsMissing.length} parts are missing.`}
              </li>
            )}
            {grade.missing[0] && (
              <li>
                {grade.missing.length === 1 ? 'One edge is missing.' : `${grade.missing.length} edges are missing.`}{' '}
                {grade.missing[0].why}
              </li>
            )}
          </ul>
          <details>
            <summary>Show the whole drawing</summary>
            <ScrollArea label="The drawing">
              <Drawing
                graph={graph}
                parts={graph.parts.filter(({ wrong }) => !wrong).map(({ id }) => id)}
                edges={graph.edges}
                label={`The model. ${graph.edges.map(words).join('. ')}.`}
              />
            </ScrollArea>
            <ul>
              {graph.edges.map((edge) => (
                <li key={keyOf(edge)}>{words(edge)}</li>
              ))}
            </ul>
          </details>
        </section>
      )}
    </div>
  );
}

interface ConnectProps {
  readonly graph: Graph;
  readonly parts: readonly string[];
  readonly kind: string;
  setKind(kind: string): void;
  connect(from: string, to: string, kind: string): void;
}

function Connect({ graph, parts, kind, setKind, connect }: ConnectProps) {
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const shown = graph.parts.filter(({ id }) => parts.includes(id));
  const ready = parts.includes(from) && parts.includes(to) && from !== to;
  const menu = (name: string, value: string, set: (value: string) => void) => (
    <label className="field">
      <span>{name}</span>
      <select value={parts.includes(value) ? value : ''} onChange={(event) => set(event.target.value)}>
        <option value="">–</option>
        {shown.map((part) => (
          <option key={part.id} value={part.id}>
            {part.name}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <form
      className="connect"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) connect(from, to, kind);
      }}
    >
      {menu('From', from, setFrom)}
      {menu('To', to, setTo)}
      <label className="field">
        <span>Kind, also for dragging</span>
        <select value={kind} onChange={(event) => setKind(event.target.value)}>
          {graph.kinds.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" className="btn" disabled={!ready}>
        Connect
      </button>
    </form>
  );
}
