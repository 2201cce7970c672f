import type { MeshEdge, MeshView, PushView, RequestView } from '#contract';

const KEPT_REQUESTS = 600;

/** Newest last, each once, at most 600. */
export function addRequests(known: readonly RequestView[], added: readonly RequestView[]): RequestView[] {
  const ids = new Set(known.map((request) => request.id));
  const fresh = added.filter((request) => !ids.has(request.id));
  const all = [...known, ...fresh];
  if (fresh.some((request, index) => request.atMs < (all[known.length + index - 1]?.atMs ?? 0))) {
    all.sort((a, b) => a.atMs - b.atMs);
  }
  return all.slice(-KEPT_REQUESTS);
}

/** A push is sent again as its proxies answer: the newest state of each number stays, in order of number. */
export function addPush(known: readonly PushView[], push: PushView): PushView[] {
  return [...known.filter((one) => one.number !== push.number), push].sort((a, b) => a.number - b.number);
}

function edgeKey(edge: MeshEdge): string {
  return `${edge.from} ${edge.to}`;
}

/** Remembers every edge that was ever seen. Answers `lines` itself when nothing is new, so that the layout is not made again. */
export function addLines(lines: readonly MeshEdge[], mesh: MeshView): readonly MeshEdge[] {
  const known = new Set(lines.map(edgeKey));
  const fresh = mesh.edges.filter((edge) => !known.has(edgeKey(edge)));
  return fresh.length === 0 ? lines : [...lines, ...fresh];
}
