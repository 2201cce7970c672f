import type { PointerEvent } from 'react';
import type { Graph } from '../../course/exercises.ts';
import { type DrawnEdge, keyOf } from './grade-graph.ts';

type Part = Graph['parts'][number];

const column = 170;
const row = 110;
const wide = 132;
const tall = 44;
const pad = 24;

interface Props {
  readonly graph: Graph;
  readonly parts: readonly string[];
  readonly edges: readonly (DrawnEdge & { readonly mark?: 'right' | 'wrong' })[];
  /** What is written in each part; its name where nothing is given. */
  readonly nameOf?: (part: Part, index: number) => string;
  /** An edge was drawn from one part to another by dragging. */
  connect?(from: string, to: string): void;
  readonly label: string;
}

/** The drawing: parts in their places, frames around what stands in one pod, edges with arrows. */
export function Drawing({ graph, parts, edges, nameOf = ({ name }) => name, connect, label }: Props) {
  const shown = graph.parts.filter(({ id }) => parts.includes(id));
  const columns = Math.max(...graph.parts.map(({ at }) => at[0])) + 1;
  const rows = Math.max(...graph.parts.map(({ at }) => at[1])) + 1;
  const frames = [...new Set(shown.flatMap(({ inside }) => inside ?? []))];
  const lines = new Map(graph.kinds.map(({ id, line }) => [id, line]));
  const down = (event: PointerEvent<SVGGElement>, id: string) => {
    event.preventDefault();
    const up = (end: globalThis.PointerEvent) => {
      removeEventListener('pointerup', up);
      const target = document.elementFromPoint(end.clientX, end.clientY)?.closest<SVGGElement>('[data-part]');
      const to = target?.dataset['part'];
      if (to && to !== id) connect?.(id, to);
    };
    addEventListener('pointerup', up);
  };
  return (
    <svg
      className={`drawing${connect ? ' live' : ''}`}
      viewBox={`0 0 ${columns * column + pad} ${rows * row + pad}`}
      role="img"
      aria-label={label}
      style={{ minWidth: columns * 120 }}
    >
      <defs>
        <marker
          id="arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto-start-reverse"
        >
          <path d="M0 0L8 4L0 8z" className="tip" />
        </marker>
      </defs>
      {frames.map((frame) => (
        <Frame key={frame} name={frame} parts={shown.filter(({ inside }) => inside === frame)} />
      ))}
      {edges.map((edge) => {
        const [from, to] = [edge.from, edge.to].map((id) => graph.parts.find((part) => part.id === id));
        if (!from || !to) return null;
        const both = edges.some((other) => other.from === edge.to && other.to === edge.from);
        return (
          <path
            key={keyOf(edge)}
            d={pathBetween(from, to, both)}
            className={`edge ${lines.get(edge.kind) ?? 'solid'} ${edge.mark ?? ''}`}
            markerEnd="url(#arrow)"
          />
        );
      })}
      {shown.map((part, index) => {
        const { x, y } = centre(part);
        return (
          <g
            key={part.id}
            data-part={part.id}
            className={`part ${part.role}`}
            {...(connect ? { onPointerDown: (event) => down(event, part.id) } : {})}
          >
            <rect x={x - wide / 2} y={y - tall / 2} width={wide} height={tall} rx="4" />
            <text x={x} y={y} textAnchor="middle" dominantBaseline="central">
              {wrapped(nameOf(part, index)).map((line, place, all) => (
                <tspan key={line} x={x} dy={place === 0 ? `${-(all.length - 1) * 0.55}em` : '1.1em'}>
                  {line}
                </tspan>
              ))}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

function Frame({ name, parts }: { name: string; parts: readonly Part[] }) {
  const points = parts.map(centre);
  const [left, top] = [
    Math.min(...points.map(({ x }) => x)) - wide / 2 - 12,
    Math.min(...points.map(({ y }) => y)) - tall / 2 - 24,
  ];
  const [right, bottom] = [
    Math.max(...points.map(({ x }) => x)) + wide / 2 + 12,
    Math.max(...points.map(({ y }) => y)) + tall / 2 + 12,
  ];
  return (
    <g className="frame">
      <rect x={left} y={top} width={right - left} height={bottom - top} />
      <text x={left + 8} y={top + 15}>
        {name}
      </text>
    </g>
  );
}

function centre({ at: [across, downwards] }: Part): { x: number; y: number } {
  return { x: pad / 2 + across * column + column / 2, y: pad / 2 + downwards * row + row / 2 };
}

/** A line from edge to edge of two boxes; beside its twin where both directions are drawn, bent where a box lies between. */
function pathBetween(from: Part, to: Part, both: boolean): string {
  const [a, b] = [centre(from), centre(to)];
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = Math.hypot(dx, dy) || 1;
  const shift = both ? 9 : 0;
  const [nx, ny] = [(-dy / length) * shift, (dx / length) * shift];
  const out = (px: number, py: number) =>
    Math.min(
      px === 0 ? Number.POSITIVE_INFINITY : (wide / 2 + 3) / Math.abs(px),
      py === 0 ? Number.POSITIVE_INFINITY : (tall / 2 + 3) / Math.abs(py),
    );
  const reach = out(dx, dy);
  const start = { x: a.x + dx * reach + nx, y: a.y + dy * reach + ny };
  const end = { x: b.x - dx * reach + nx, y: b.y - dy * reach + ny };
  const far = Math.max(Math.abs(from.at[0] - to.at[0]), Math.abs(from.at[1] - to.at[1])) > 1;
  const straight = from.at[0] === to.at[0] || from.at[1] === to.at[1];
  if (!far || !straight) return `M${start.x} ${start.y}L${end.x} ${end.y}`;
  const bend = {
    x: (start.x + end.x) / 2 + (dy / length) * 46,
    y: (start.y + end.y) / 2 - (Math.abs(dx) / length) * 46,
  };
  return `M${start.x} ${start.y}Q${bend.x} ${bend.y} ${end.x} ${end.y}`;
}

function wrapped(text: string): string[] {
  if (text.length <= 18) return [text];
  const words = text.split(' ');
  let first = '';
  while (words.length > 1 && `${first} ${words[0]}`.length <= 18) first = `${first} ${words.shift()}`.trim();
  return [first, words.join(' ')].filter(Boolean);
}
