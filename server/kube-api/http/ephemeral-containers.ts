import type { KubeObject } from '#domain';
import { copyJson, isRecord, sameJson } from '../json.ts';
import { invalid, notFound } from '../status-error.ts';
import { shapeOf } from '../types/shape.ts';
import { answerObject } from './answer.ts';
import { mediaType, readBody } from './body.ts';
import type { ApiContext } from './context.ts';
import { applyPatch, requirePatchType } from './patches.ts';
import { nameFrom, type ResourceRequest } from './resource.ts';
import { writeOptions } from './write-options.ts';
import { decodedBody } from './writes.ts';

/**
 * PUT or PATCH of `pods/NAME/ephemeralcontainers`, which `kubectl debug` uses: containers may be added to a pod that runs, and nothing else of
 * it changes. Source: the strategy podEphemeralContainersStrategy of kubernetes.
 */
export async function addEphemeralContainers(request: ResourceRequest, context: ApiContext): Promise<void> {
  const { exchange, path, kind, word } = request;
  const options = writeOptions(request);
  const current = context.store.get(word, nameFrom(path));
  if (!current) throw notFound(kind, path.name);
  const asked = exchange.method === 'PATCH' ? await patched(request, current) : await decodedBody(request);
  const before = containersOf(current);
  const after = containersOf(asked);
  const added = after.filter((container) => !before.some((known) => sameJson(known, container)));
  if (added.length + before.length !== after.length) {
    const message = 'Forbidden: existing ephemeral containers may not be changed or removed';
    throw invalid(kind, path.name, [{ severity: 'error', path: 'spec.ephemeralContainers', message }]);
  }
  const object = copyJson(current) as KubeObject;
  const spec = isRecord(object.spec) ? object.spec : {};
  const stored = context.store.update(
    { ...object, spec: { ...spec, ephemeralContainers: [...before, ...added] } },
    options,
  );
  answerObject(request, stored, context.nowMs());
}

async function patched({ exchange, kind }: ResourceRequest, current: KubeObject): Promise<unknown> {
  const type = mediaType(exchange.header('content-type'));
  requirePatchType(type, true, false);
  return applyPatch(current, { type, body: await readBody(exchange.request), shape: shapeOf(kind) });
}

function containersOf(pod: unknown): readonly unknown[] {
  const spec = isRecord(pod) ? pod['spec'] : undefined;
  const list = isRecord(spec) ? spec['ephemeralContainers'] : undefined;
  return Array.isArray(list) ? list : [];
}
