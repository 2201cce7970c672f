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

const NOWHERE = ['NR', 'NC', 'UH'];

function leadsNowhere(edge: MeshEdge, mesh: MeshView): boolean {
  const target = mesh.nodes.find((node) => node.id === edge.to);
  if (!target || target.service === '') return true;
  const flags = Object.keys(edge.flags);
  return (
    target.role === 'client' &&
    edge.errorShare === 1 &&
    flags.length > 0 &&
    flags.every((flag) => NOWHERE.includes(flag))
  );
}

/** Pods of this version are gone, those of others run: what it was asked is past. */
function isGone(edge: MeshEdge, mesh: MeshView): boolean {
  const target = mesh.nodes.find((node) => node.id === edge.to);
  return (
    target?.role === 'client' && mesh.nodes.some((node) => node.role !== 'client' && node.service === target.service)
  );
}

/**
 * Takes lines that lead nowhere off the map: a route without a cluster, a host without a route. What is left as the target of a
 * line and has no pod here stands outside the mesh, an app without a proxy.
 */
export function reachedOf(mesh: MeshView): Reached {
  const lost = mesh.edges.filter((edge) => leadsNowhere(edge, mesh));
  const edges = mesh.edges.filter((edge) => !lost.includes(edge) && !isGone(edge, mesh));
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
