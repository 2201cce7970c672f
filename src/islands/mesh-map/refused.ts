import type { MeshEdge, MeshView } from '#contract';
import type { PlacedEdge, PlacedNode } from './layout.ts';

/** Requests of one workload that its own proxy answered because they had nowhere to go. */
export interface Refused {
  caller: string;
  rps: number;
  flags: Record<string, number>;
}

/** The map without what is not there: workloads that run or were reached, and what never left its caller's proxy. */
export interface Reached {
  mesh: MeshView;
  refused: Refused[];
}

/** There is no route, or no cluster of its name. */
const NO_TARGET = ['NR', 'NC'];
const NO_HOST = [...NO_TARGET, 'UH'];

const allFailedBy = (edge: MeshEdge, reasons: readonly string[]): boolean => {
  const flags = Object.keys(edge.flags);
  return edge.errorShare === 1 && flags.length > 0 && flags.every((flag) => reasons.includes(flag));
};

/** Nobody was asked: all requests ended at their caller's own proxy, for want of a host. */
export const isUnheard = (edge: MeshEdge): boolean => allFailedBy(edge, NO_HOST);

function leadsNowhere(edge: MeshEdge, mesh: MeshView): boolean {
  const target = mesh.nodes.find((node) => node.id === edge.to);
  if (!target || target.service === '') return true;
  return allFailedBy(edge, target.role === 'client' ? NO_HOST : NO_TARGET);
}

/** Pods of this version are gone, those of others run: what it was asked is past. */
function isGone(edge: MeshEdge, mesh: MeshView): boolean {
  const target = mesh.nodes.find((node) => node.id === edge.to);
  return (
    target?.role === 'client' && mesh.nodes.some((node) => node.role !== 'client' && node.service === target.service)
  );
}

/** Nothing runs on the line, but places stay where they were. */
const idle = (edge: MeshEdge): MeshEdge => ({ ...edge, rps: 0, errorShare: 0, flags: {} });

/**
 * Takes lines that lead nowhere off the map: a route without a cluster, a host without a route; to pods that run nothing moves then. What is
 * left as the target of a line and has no pod here stands outside the mesh, an app without a proxy.
 */
export function reachedOf(mesh: MeshView): Reached {
  const lost = mesh.edges.filter((edge) => leadsNowhere(edge, mesh));
  const runs = new Set(mesh.nodes.filter(({ role }) => role !== 'client').map(({ id }) => id));
  const edges = mesh.edges.flatMap((edge) => {
    if (lost.includes(edge)) return runs.has(edge.to) ? [idle(edge)] : [];
    return isGone(edge, mesh) ? [] : [edge];
  });
  const called = new Set(edges.map((edge) => edge.to));
  const calling = new Set(mesh.edges.map((edge) => edge.from));
  const nodes = mesh.nodes
    .filter((node) => node.service !== '' && (node.role !== 'client' || called.has(node.id) || calling.has(node.id)))
    .map((node) => (node.role === 'client' && called.has(node.id) ? { ...node, role: 'app' as const } : node));
  const known = new Set(nodes.map((node) => node.id));
  return { mesh: { ...mesh, nodes, edges }, refused: sumByCaller(lost).filter((one) => known.has(one.caller)) };
}

function sumByCaller(edges: readonly MeshEdge[]): Refused[] {
  const byCaller = new Map<string, Refused>();
  for (const edge of edges) {
    const before = byCaller.get(edge.from) ?? { caller: edge.from, rps: 0, flags: {} };
    const flags = { ...before.flags };
    for (const [flag, count] of Object.entries(edge.flags)) flags[flag] = (flags[flag] ?? 0) + count;
    byCaller.set(edge.from, { caller: edge.from, rps: before.rps + edge.rps, flags });
  }
  return [...byCaller.values()];
}

/** The siding beside a caller on which its refused requests end. */
export function sidingOf(refused: Refused, at: PlacedNode): { placed: PlacedEdge; edge: MeshEdge } {
  const start = { x: at.x + 15, y: at.y - 15 };
  const end = { x: at.x + 58, y: at.y - 44 };
  const bend = { x: at.x + 30, y: at.y - 30 };
  const to = `${refused.caller} siding`;
  const key = `${refused.caller}→${to}`;
  const placed = {
    key,
    from: refused.caller,
    to,
    start,
    bend,
    control1: { x: at.x + 44, y: at.y - 44 },
    control2: end,
    end,
  };
  const edge = {
    from: refused.caller,
    to,
    rps: refused.rps,
    errorShare: 1,
    slowShare: 0,
    p50: 0,
    p90: 0,
    p99: 0,
    mtls: false,
    flags: {},
  };
  return { placed, edge };
}
