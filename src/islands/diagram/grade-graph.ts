import type { Graph } from '../../course/exercises.ts';

/** A connection that the learner drew; all three are ids. */
export interface DrawnEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: string;
}

export interface GraphAnswer {
  /** Parts that were put into the drawing. */
  readonly parts: readonly string[];
  readonly edges: readonly DrawnEdge[];
}

export interface GraphGrade {
  readonly score: number;
  readonly of: number;
  readonly passed: boolean;
  readonly right: readonly DrawnEdge[];
  readonly wrong: readonly { readonly edge: DrawnEdge; readonly why: string }[];
  /** How many edges are missing, and what the first of them is about. */
  readonly missing: readonly { readonly why: string; readonly edge: DrawnEdge }[];
  readonly partsMissing: readonly string[];
  readonly partsWrong: readonly { readonly part: string; readonly why: string }[];
}

const passShare = 0.8;

/**
 * Grades a drawing as a graph: the order in which it was drawn and where things stand do not matter. Each part and each edge of
 * the model is worth one point; a wrong part or a wrong edge takes one away. An edge drawn twice counts once.
 */
export function gradeGraph(graph: Graph, answer: GraphAnswer): GraphGrade {
  const parts = new Set(answer.parts);
  const wanted = graph.parts.filter(({ wrong }) => wrong === undefined).map(({ id }) => id);
  const drawn = unique(answer.edges);
  const model = new Map(graph.edges.map((edge) => [keyOf(edge), edge]));
  const right = drawn.filter((edge) => model.has(keyOf(edge)));
  const wrong = drawn.filter((edge) => !model.has(keyOf(edge))).map((edge) => ({ edge, why: whyWrong(graph, edge) }));
  const keys = new Set(right.map(keyOf));
  const missing = graph.edges.filter((edge) => !keys.has(keyOf(edge))).map(({ why, ...edge }) => ({ why, edge }));
  const partsMissing = wanted.filter((id) => !parts.has(id));
  const partsWrong = graph.parts.flatMap(({ id, wrong: why }) =>
    why !== undefined && parts.has(id) ? [{ part: id, why }] : [],
  );
  const of = wanted.length + graph.edges.length;
  const points = wanted.length - partsMissing.length + right.length - wrong.length - partsWrong.length;
  const score = Math.max(0, points);
  return {
    score,
    of,
    passed: score >= of * passShare && wrong.length === 0,
    right,
    wrong,
    missing,
    partsMissing,
    partsWrong,
  };
}

/** Grades names that were put on a finished drawing: part id → the id of the name that was chosen. */
export function gradeLabels(graph: Graph, names: Readonly<Record<string, string>>) {
  const wanted = graph.parts.filter(({ wrong }) => wrong === undefined);
  const wrong = wanted.filter(({ id }) => names[id] !== id).map(({ id }) => id);
  return { score: wanted.length - wrong.length, of: wanted.length, passed: wrong.length === 0, wrong };
}

function whyWrong(graph: Graph, edge: DrawnEdge): string {
  const part = (id: string) => graph.parts.find((candidate) => candidate.id === id);
  const [from, to] = [part(edge.from), part(edge.to)];
  const backwards = graph.edges.some(
    ({ from: a, to: b, kind }) => a === edge.to && b === edge.from && kind === edge.kind,
  );
  if (backwards) return 'The direction is wrong: it goes the other way.';
  const fits = (names: readonly string[] | undefined, value: typeof from) =>
    names === undefined || (value !== undefined && (names.includes(value.id) || names.includes(value.role)));
  const rule = graph.rules.find(
    (each) => fits(each.from, from) && fits(each.to, to) && (each.kind === undefined || each.kind.includes(edge.kind)),
  );
  if (rule) return rule.why;
  const otherKind = graph.edges.find(({ from: a, to: b }) => a === edge.from && b === edge.to);
  if (otherKind) return 'These two are connected, but by another kind of connection.';
  return `${from?.name ?? edge.from} and ${to?.name ?? edge.to} do not talk to each other like this.`;
}

export function keyOf({ from, to, kind }: DrawnEdge): string {
  return `${from} ${to} ${kind}`;
}

function unique(edges: readonly DrawnEdge[]): DrawnEdge[] {
  return [...new Map(edges.map((edge) => [keyOf(edge), edge])).values()];
}
