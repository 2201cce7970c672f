import type { Access } from '../auth/access.ts';
import { reviewKinds } from '../auth/review-kinds.ts';
import { review } from '../auth/reviews.ts';
import { subresourcesOf } from '../discovery/subresources.ts';
import { badRequest, KubeStatusError, notFound } from '../status-error.ts';
import { logs } from '../streams/logs.ts';
import { answerObject } from './answer.ts';
import type { ApiContext } from './context.ts';
import { remove, removeCollection } from './deletes.ts';
import { addEphemeralContainers } from './ephemeral-containers.ts';
import { evict } from './evictions.ts';
import { list } from './list.ts';
import { patch } from './patches.ts';
import { proxy } from './proxy.ts';
import { nameFrom, type ResourceRequest } from './resource.ts';
import { scale } from './scale.ts';
import { createToken } from './tokens.ts';
import { watch } from './watch.ts';
import { readResourceVersion } from './watch-cache.ts';
import { create, update } from './writes.ts';

type Handler = (request: ResourceRequest, context: ApiContext) => Promise<void> | void;

/** By verb, as authorization names it. */
const OBJECT: Readonly<Record<string, Handler>> = { get, update, patch, delete: remove };
const COLLECTION: Readonly<Record<string, Handler>> = { list, watch, create, deletecollection: removeCollection };

const PARTS: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  status: { get, update, patch },
  scale: { get: scale, update: scale, patch: scale },
  log: { get: logs },
  token: { create: createToken },
  ephemeralcontainers: { get, update: addEphemeralContainers, patch: addEphemeralContainers },
  eviction: { create: evict },
  finalize: { update },
  exec: { create: needsUpgrade, get: needsUpgrade },
  attach: { create: needsUpgrade, get: needsUpgrade },
  portforward: { create: needsUpgrade, get: needsUpgrade },
  proxy: { get: proxy, create: proxy, update: proxy, patch: proxy, delete: proxy },
};

const methodNotAllowed = (): KubeStatusError =>
  new KubeStatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

export const resourceNotFound = (): KubeStatusError =>
  new KubeStatusError('NotFound', 'the server could not find the requested resource', {});

/** Hands a request to what serves its verb. Throws NotFound or MethodNotAllowed where nothing does. */
export async function serve(
  request: ResourceRequest,
  verb: string,
  context: ApiContext,
  access: Access,
): Promise<void> {
  const { kind, path } = request;
  if (reviewKinds.includes(kind)) {
    if (verb !== 'create') throw methodNotAllowed();
    await review(request, context, access);
    return;
  }
  const handler = handlersOf(request)[verb];
  if (!handler) throw methodNotAllowed();
  // An object of a namespaced kind is in a namespace; a list of it may be of all.
  const lost = kind.namespaced ? path.namespace === '' && path.name !== '' : path.namespace !== '';
  if (lost) throw resourceNotFound();
  if (verb === 'create' && kind.namespaced && path.namespace === '') throw methodNotAllowed();
  await handler(request, context);
}

function handlersOf({ kind, path }: ResourceRequest): Readonly<Record<string, Handler>> {
  if (path.subresource === '') return path.name === '' ? COLLECTION : OBJECT;
  const served = subresourcesOf(kind).some((each) => each.name === path.subresource);
  const mayGoOn = path.rest === '' || path.subresource === 'proxy';
  const handlers = served && mayGoOn ? PARTS[path.subresource] : undefined;
  if (!handlers) throw resourceNotFound();
  return handlers;
}

function get(request: ResourceRequest, context: ApiContext): void {
  const { exchange, kind, path, word } = request;
  const version = readResourceVersion(exchange.query.get('resourceVersion'));
  if (version !== undefined) context.cache.requireReached(version);
  const object = context.store.get(word, nameFrom(path));
  if (!object) throw notFound(kind, path.name);
  answerObject(request, object, context.nowMs());
}

function needsUpgrade(): never {
  throw badRequest('Upgrade request required');
}
