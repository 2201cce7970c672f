import { changeProgress, loadProgress } from '../../components/progress.ts';
import type { Graph } from '../../course/exercises.ts';
import type { DrawnEdge } from './grade-graph.ts';

export interface KeptDrawing {
  readonly parts: readonly string[];
  readonly edges: readonly DrawnEdge[];
}

const keyOf = ({ id }: Graph) => `draw:${id}`;

/** The drawing as it was left in this browser; parts and kinds that the exercise no longer has are left out. */
export function keptDrawing(graph: Graph): KeptDrawing {
  const given = read(loadProgress().texts[keyOf(graph)] ?? '{}');
  const ids = new Set(graph.parts.map(({ id }) => id));
  const kinds = new Set(graph.kinds.map(({ id }) => id));
  const parts = list(given.parts).filter((part): part is string => typeof part === 'string' && ids.has(part));
  const edges = list(given.edges).filter(
    (edge): edge is DrawnEdge =>
      isRecord(edge) &&
      [edge['from'], edge['to']].every((end) => typeof end === 'string' && parts.includes(end)) &&
      typeof edge['kind'] === 'string' &&
      kinds.has(edge['kind']),
  );
  return { parts, edges };
}

export function keepDrawing(graph: Graph, drawing: KeptDrawing): void {
  const text = JSON.stringify(drawing);
  changeProgress((progress) => ({ ...progress, texts: { ...progress.texts, [keyOf(graph)]: text } }));
}

function read(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    // A text of another hand: the drawing begins empty.
    return {};
  }
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
