import type { KubeObject } from '#domain';
import type { ServedKind } from '../doors.ts';
import { badRequest, deniedByWebhook, forbidden, invalid, KubeStatusError, notFound } from '../status-error.ts';
import { isKubernetesGroup } from '../types/types.ts';
import { answerObject } from './answer.ts';
import { decodeObject, readBody } from './body.ts';
import type { ApiContext } from './context.ts';
import { placeObject, requireName } from './incoming.ts';
import { nameFrom, type ResourceRequest } from './resource.ts';
import { writeOptions } from './write-options.ts';

/** POST to a collection. */
export async function create(request: ResourceRequest, context: ApiContext): Promise<void> {
  const options = writeOptions(request);
  const object = placeObject(request, await decodedBody(request));
  if (object.metadata.resourceVersion) {
    throw new KubeStatusError('', 'resourceVersion should not be set on objects to be created');
  }
  requireOpen(request, object, context);
  const stored = asWebhook(() => context.store.create(admitted(request, object, context), options));
  answerObject(request, stored, context.nowMs(), 201);
}

/** Throws Forbidden for a new object of a kind whose objects only the server makes. */
export function requireOpen({ kind, word }: ResourceRequest, { metadata }: KubeObject, { store }: ApiContext): void {
  if (kind.fixed === undefined) return;
  const there = store.get(word, { namespace: metadata.namespace ?? '', name: metadata.name });
  if (!there) throw forbidden(kind, metadata.name, kind.fixed);
}

/** PUT of an object or of its status. */
export async function update(request: ResourceRequest, context: ApiContext): Promise<void> {
  const { kind, path, word } = request;
  const options = writeOptions(request);
  const object = placeObject(request, await decodedBody(request));
  object.metadata.name ??= path.name;
  requireName(request, object);
  if (!context.store.get(word, nameFrom(path))) throw notFound(kind, path.name);
  requireVersion(kind, object);
  const stored = asWebhook(() => context.store.update(admitted(request, object, context), options));
  answerObject(request, stored, context.nowMs());
}

export async function decodedBody({ exchange }: ResourceRequest): Promise<ReturnType<typeof decodeObject>> {
  const body = await readBody(exchange.request);
  if (body.length === 0) throw badRequest('EOF');
  return decodeObject(body, exchange.header('content-type'));
}

/** Custom resources are never replaced blindly. */
function requireVersion(kind: ServedKind, object: KubeObject): void {
  if (object.metadata.resourceVersion || isKubernetesGroup(kind.group)) return;
  const message = 'Invalid value: 0: must be specified for an update';
  throw invalid(kind, object.metadata.name, [{ severity: 'error', path: 'metadata.resourceVersion', message }]);
}

/** What is to be stored of an object that a client sent: in the stored kind's form, after mutation. */
export function admitted({ view }: ResourceRequest, object: KubeObject, { options }: ApiContext): KubeObject {
  const stored = view ? view.read(object) : object;
  return options.mutate?.(stored) ?? stored;
}

/** Runs a write; what Istio's own rules refuse is told as its webhook tells it. */
export function asWebhook<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!(error instanceof KubeStatusError) || error.problems.length === 0) throw error;
    if (error.status.details?.group?.endsWith('.istio.io') !== true) throw error;
    throw deniedByWebhook(error.problems);
  }
}
