import type { MeshEdge } from '#contract';
import type { Outcome } from '../../lab-client/outcome.ts';
import { edgeKey } from './layout.ts';

/** No more marks than this move at once; above it one mark stands for several requests, and the head says so. */
export const MARK_CAP = 60;

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const SLOWER_MS = 2600;
/** Length of a line in px on which a mark takes exactly its travel time; shorter lines take less, so that spacing shows rate. */
const USUAL_PX = 190;

/** How long a mark is on its way for a latency of `ms`: ten times the latency is one second more. */
export function travelMs(ms: number): number {
  return 900 + 1000 * Math.log10(1 + Math.max(0, ms));
}

/** How many requests one mark stands for, so that at most MARK_CAP move at once. */
export function requestsPerMark(edges: readonly MeshEdge[], cap = MARK_CAP): number {
  const moving = edges.reduce((sum, edge) => sum + (edge.rps * travelOf(edge)) / 1000, 0);
  return STEPS.find((step) => moving / step <= cap) ?? Math.ceil(moving / cap);
}

function travelOf(edge: MeshEdge): number {
  return travelMs(edge.p50) + edge.slowShare * SLOWER_MS;
}

/** Where on its way a failed request ends, by the flag: at its own proxy, at the peer, or (1) at the app's door. */
export function deathAt(edge: Pick<MeshEdge, 'flags'>): number {
  const flags = Object.keys(edge.flags);
  if (flags.some((flag) => ['NR', 'FI', 'UH', 'RL', 'NC', 'UAEX'].includes(flag))) return 0.14;
  if (flags.includes('UO')) return 0.84;
  return 0.98;
}

export interface MovingMark {
  id: number;
  edge: string;
  outcome: Outcome;
  /** 0 at the caller, 1 at the callee. */
  share: number;
  durationMs: number;
  diesAt: number;
  /** Milliseconds since it stopped; undefined while it moves. */
  restedMs: number | undefined;
}

/** Debts of an edge: what is owed of the next mark, of the next failed and of the next slow one. */
interface Debt {
  mark: number;
  failed: number;
  slow: number;
}

export interface Flow {
  marks: readonly MovingMark[];
  debts: ReadonlyMap<string, Debt>;
  nextId: number;
}

export const stillFlow: Flow = { marks: [], debts: new Map(), nextId: 1 };

const REST_MS = 700;

/**
 * The flow `stepMs` later. Marks leave at the measured rate and in the measured shares, without chance: each edge pays its
 * debts as they fall due, so a share of one in ten is every tenth mark.
 */
export function advance(
  flow: Flow,
  edges: readonly MeshEdge[],
  stepMs: number,
  lengths: ReadonlyMap<string, number> = new Map(),
): Flow {
  const per = requestsPerMark(edges);
  const moved = flow.marks.map((mark) => move(mark, stepMs)).filter((mark) => !gone(mark));
  const debts = new Map<string, Debt>();
  let nextId = flow.nextId;
  for (const edge of edges) {
    const key = edgeKey(edge);
    const debt = { ...(flow.debts.get(key) ?? { mark: 0.5, failed: 0, slow: 0 }) };
    debt.mark += (edge.rps * stepMs) / 1000 / per;
    while (debt.mark >= 1 && moved.length < MARK_CAP) {
      debt.mark -= 1;
      const outcome = payOutcome(edge, debt);
      moved.push(newMark({ id: nextId++, edge, key, outcome, length: lengths.get(key) ?? USUAL_PX }));
    }
    debt.mark = Math.min(debt.mark, 1);
    debts.set(key, debt);
  }
  return { marks: moved, debts, nextId };
}

function payOutcome(edge: MeshEdge, debt: Debt): Outcome {
  debt.failed += edge.errorShare;
  if (debt.failed >= 1) {
    debt.failed -= 1;
    return 'failed';
  }
  debt.slow += edge.slowShare / Math.max(0.01, 1 - edge.errorShare);
  if (debt.slow < 1) return 'ok';
  debt.slow -= 1;
  return 'slow';
}

function newMark(born: { id: number; edge: MeshEdge; key: string; outcome: Outcome; length: number }): MovingMark {
  const { edge, outcome } = born;
  const usual = outcome === 'slow' ? travelMs(Math.max(edge.p90, edge.p50)) + SLOWER_MS / 2 : travelMs(edge.p50);
  const durationMs = usual * Math.min(1.3, Math.max(0.25, born.length / USUAL_PX));
  const diesAt = outcome === 'failed' ? deathAt(edge) : 1;
  return { id: born.id, edge: born.key, outcome, share: 0, durationMs, diesAt, restedMs: undefined };
}

function move(mark: MovingMark, stepMs: number): MovingMark {
  if (mark.restedMs !== undefined) return { ...mark, restedMs: mark.restedMs + stepMs };
  const share = mark.share + stepMs / mark.durationMs;
  if (mark.outcome === 'failed' && share >= mark.diesAt) return { ...mark, share: mark.diesAt, restedMs: 0 };
  return { ...mark, share };
}

function gone(mark: MovingMark): boolean {
  return mark.restedMs === undefined ? mark.share >= 1 : mark.restedMs >= REST_MS;
}
