import type { MeshView, RequestView, ServerEvent } from '#contract';
import type { Clock } from '#domain';
import type { Seen } from './time-travel/kept-past.ts';

/** What the pages were shown, kept so that a moment of the past can be shown again, to a page that was opened later too. */
export interface Recorder {
  /** Takes every event that is sent to the pages. */
  hear(event: ServerEvent): void;
  /** Answered and failed requests of each second, oldest first. */
  seconds(): { atMs: number; total: number; failed: number }[];
  /** The map as it was: the last one drawn before. */
  mesh(atMs: number): MeshView | undefined;
  /** Requests that had begun by then, newest last; beyond a bound for each second they are left out, failures last. */
  requests(atMs: number, limit: number): RequestView[];
  /** Takes what an earlier mesh showed at its pushes, oldest first: it is answered for moments before the first of its own. */
  recall(seen: readonly Seen[]): void;
  clear(): void;
}

interface Second {
  readonly atMs: number;
  total: number;
  failed: number;
  kept: RequestView[];
}

const SECONDS = 1800;
const MESHES = 900;
const MESH_EVERY_MS = 2000;
const KEPT_EACH_SECOND = 20;

/** As the pages tell it: a status that says failure, or none and a flag that says why. */
const isFailed = ({ status, flags }: RequestView): boolean => status >= 400 || (status === 0 && flags.length > 0);

export function createRecorder(clock: Clock): Recorder {
  let seconds = new Map<number, Second>();
  let meshes: MeshView[] = [];
  let recalled: readonly Seen[] = [];
  const recalledAt = (atMs: number): Seen | undefined => recalled.findLast((seen) => seen.atMs <= atMs) ?? recalled[0];
  const secondOf = (ms: number): Second => {
    const atMs = Math.floor(ms / 1000) * 1000;
    const known = seconds.get(atMs);
    if (known) return known;
    const fresh = { atMs, total: 0, failed: 0, kept: [] };
    seconds.set(atMs, fresh);
    const [oldest] = seconds.keys();
    if (seconds.size > SECONDS && oldest !== undefined) seconds.delete(oldest);
    return fresh;
  };
  const note = (request: RequestView): void => {
    const second = secondOf(request.atMs);
    const failed = isFailed(request);
    second.total += 1;
    if (failed) second.failed += 1;
    if (second.kept.length < KEPT_EACH_SECOND) second.kept.push(request);
    else if (failed) {
      const good = second.kept.findIndex((each) => !isFailed(each));
      if (good >= 0) second.kept[good] = request;
    }
  };
  return {
    hear: (event) => {
      if (event.type === 'requests') {
        for (const request of event.requests) note(request);
        // Those that the pages were not sent are counted where they belong best: in the present second.
        if (event.dropped > 0) secondOf(clock.now()).total += event.dropped;
      } else if (event.type === 'mesh') {
        const last = meshes.at(-1);
        if (last && event.mesh.atMs - last.atMs < MESH_EVERY_MS) return;
        meshes = [...meshes, event.mesh].slice(-MESHES);
      }
    },
    seconds: () => [...seconds.values()].map(({ atMs, total, failed }) => ({ atMs, total, failed })),
    mesh: (atMs) => meshes.findLast((mesh) => mesh.atMs <= atMs) ?? recalledAt(atMs)?.mesh ?? meshes[0],
    requests: (atMs, limit) => {
      const found: RequestView[] = [];
      for (const second of [...seconds.values()].reverse()) {
        if (found.length >= limit) break;
        found.push(...second.kept.filter((request) => request.atMs <= atMs));
      }
      if (found.length === 0) return [...(recalledAt(atMs)?.requests ?? [])].slice(-limit);
      return found.sort((a, b) => a.atMs - b.atMs).slice(-limit);
    },
    recall: (seen) => {
      recalled = seen;
    },
    clear: () => {
      recalled = [];
      seconds = new Map();
      meshes = [];
    },
  };
}
