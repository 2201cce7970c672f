import type { MeshView, RequestView } from '#contract';
import { outcomeOf } from './outcome.ts';

/** One second of traffic, for the time bar. */
export interface Bucket {
  /** Start of the second, milliseconds since 1970. */
  atMs: number;
  total: number;
  failed: number;
}

const KEPT_SECONDS = 1800;
const KEPT_MESHES = 450;
const MESH_EVERY_MS = 2000;

/** Adds requests to their seconds; `dropped` ones, which were not sent to the page, count as answered in the newest second. */
export function addToHistory(history: readonly Bucket[], requests: readonly RequestView[], dropped: number): Bucket[] {
  const bySecond = new Map(history.map((bucket) => [bucket.atMs, bucket]));
  let newest = history.at(-1)?.atMs;
  for (const request of requests) {
    const atMs = Math.floor(request.atMs / 1000) * 1000;
    const bucket = bySecond.get(atMs) ?? { atMs, total: 0, failed: 0 };
    const failed = outcomeOf(request) === 'failed' ? 1 : 0;
    bySecond.set(atMs, { atMs, total: bucket.total + 1, failed: bucket.failed + failed });
    newest = newest === undefined ? atMs : Math.max(newest, atMs);
  }
  if (dropped > 0 && newest !== undefined) {
    const bucket = bySecond.get(newest) ?? { atMs: newest, total: 0, failed: 0 };
    bySecond.set(newest, { ...bucket, total: bucket.total + dropped });
  }
  return [...bySecond.values()].sort((a, b) => a.atMs - b.atMs).slice(-KEPT_SECONDS);
}

/** Keeps a mesh every two seconds, so that the map can be looked at as it was. */
export function addMesh(meshes: readonly MeshView[], mesh: MeshView): readonly MeshView[] {
  const last = meshes.at(-1);
  if (last && mesh.atMs - last.atMs < MESH_EVERY_MS) return meshes;
  return [...meshes, mesh].slice(-KEPT_MESHES);
}

/** The mesh as it was at `atMs`: the last one kept before, or the first. */
export function meshAt(meshes: readonly MeshView[], atMs: number): MeshView | undefined {
  return meshes.findLast((mesh) => mesh.atMs <= atMs) ?? meshes[0];
}
