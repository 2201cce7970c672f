import type { KubeObject } from '#domain';
import type { DeleteOptions, ServedKind } from '../doors.ts';
import { isRecord, type JsonRecord } from '../json.ts';
import { badRequest, forbidden, notFound } from '../status-error.ts';
import { answerList, answerObject } from './answer.ts';
import { decodeObject, readBody } from './body.ts';
import type { ApiContext } from './context.ts';
import { isTrue } from './request-path.ts';
import { nameFrom, type ResourceRequest } from './resource.ts';
import { selectionOf } from './selection.ts';
import { readDryRun } from './write-options.ts';

const POLICIES = ['Foreground', 'Background', 'Orphan'] as const;

/** DELETE of an object: a Status when it is gone, the object while something holds it. */
export async function remove(request: ResourceRequest, context: ApiContext): Promise<void> {
  const { exchange, kind, path, word } = request;
  const options = await deleteOptions(request);
  const name = nameFrom(path);
  if (!context.store.get(word, name)) throw notFound(kind, path.name);
  requireDeletable(kind, path.name);
  const object = context.store.delete(word, name, options);
  const held = context.store.get(word, name);
  if (options.dryRun || held?.metadata.uid === object.metadata.uid) {
    answerObject(request, held ?? object, context.nowMs());
    return;
  }
  exchange.json(200, success(request, object));
}

function requireDeletable(kind: ServedKind, name: string): void {
  if (kind.fixed !== undefined) throw forbidden(kind, name, kind.fixed);
}

/** The Status of what was done. */
export function success({ kind }: ResourceRequest, { metadata }: KubeObject): JsonRecord {
  const group = kind.group === '' ? {} : { group: kind.group };
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: metadata.name, ...group, kind: kind.plural, uid: metadata.uid },
  };
}

/** DELETE of a collection: everything that the selectors choose. */
export async function removeCollection(request: ResourceRequest, context: ApiContext): Promise<void> {
  const { exchange, kind, path, word } = request;
  const options = await deleteOptions(request);
  requireDeletable(kind, '');
  const { matches } = selectionOf(kind, path.namespace, exchange.query);
  const objects = context.store.list(word).filter(matches);
  const { preconditions: _, ...each } = options;
  for (const { metadata } of objects) {
    const name = { namespace: metadata.namespace ?? '', name: metadata.name };
    // What one deletion took along is no longer there.
    if (context.store.get(word, name)) context.store.delete(word, name, each);
  }
  answerList(request, objects, { resourceVersion: context.store.resourceVersion() }, context.nowMs());
}

/** The options of a body, which may be that of an eviction, or of the query where there is none. Throws BadRequest or Invalid for values that are none. */
export async function deleteOptions({ changeId, exchange }: ResourceRequest): Promise<DeleteOptions> {
  const { query } = exchange;
  const body = await readBody(exchange.request);
  const read = body.length === 0 ? {} : decodeObject(body, exchange.header('content-type'));
  const sent = read['kind'] === 'Eviction' ? (isRecord(read['deleteOptions']) ? read['deleteOptions'] : {}) : read;
  if (sent['kind'] !== undefined && sent['kind'] !== 'DeleteOptions') {
    throw badRequest(`${String(sent['kind'])} cannot be handled as DeleteOptions`);
  }
  const dryRun = Array.isArray(sent['dryRun']) ? sent['dryRun'].map(String) : query.getAll('dryRun');
  const policy = sent['propagationPolicy'] ?? query.get('propagationPolicy') ?? orphanPolicy(sent, query);
  const known = POLICIES.find((each) => each === policy);
  if (policy && !known) {
    const words = POLICIES.map((each) => `"${each}"`).join(', ');
    throw badRequest(`propagationPolicy: Unsupported value: "${String(policy)}": supported values: ${words}`);
  }
  const conditions = isRecord(sent['preconditions']) ? sent['preconditions'] : {};
  const [uid, resourceVersion] = [conditions['uid'], conditions['resourceVersion']];
  return {
    changeId,
    dryRun: readDryRun(dryRun),
    ...(known ? { propagationPolicy: known } : {}),
    ...graceOption(sent['gracePeriodSeconds'] ?? query.get('gracePeriodSeconds') ?? undefined),
    preconditions: {
      ...(typeof uid === 'string' ? { uid } : {}),
      ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
    },
  };
}

function graceOption(given: unknown): { gracePeriodSeconds?: number } {
  if (given === undefined) return {};
  const seconds = given === '' ? Number.NaN : Number(given);
  if (!Number.isInteger(seconds))
    throw badRequest(`gracePeriodSeconds: ${JSON.stringify(given)} is not a whole number`);
  return { gracePeriodSeconds: seconds };
}

function orphanPolicy(sent: JsonRecord, query: URLSearchParams): string | undefined {
  const orphan =
    sent['orphanDependents'] ?? (query.has('orphanDependents') ? isTrue(query.get('orphanDependents')) : undefined);
  if (orphan === undefined) return undefined;
  return orphan === true ? 'Orphan' : 'Background';
}
