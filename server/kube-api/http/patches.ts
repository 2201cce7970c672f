import type { KubeObject } from '#domain';
import { copyJson, isRecord } from '../json.ts';
import { mergePatch } from '../merge.ts';
import { jsonPatch } from '../patch/json-patch.ts';
import { strategicPatch } from '../patch/strategic.ts';
import { badRequest, KubeStatusError, notFound } from '../status-error.ts';
import { type Shape, shapeOf } from '../types/shape.ts';
import { isKubernetesGroup } from '../types/types.ts';
import { answerObject } from './answer.ts';
import { mediaType, parseJson, parseYaml, readBody, unsupportedMediaType } from './body.ts';
import type { ApiContext } from './context.ts';
import { placeObject, requireName } from './incoming.ts';
import { isTrue } from './request-path.ts';
import { nameFrom, type ResourceRequest, shown } from './resource.ts';
import { writeOptions } from './write-options.ts';
import { admitted, asWebhook, requireOpen } from './writes.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';

/** PATCH of an object or of its status, by any of the four patch types. */
export async function patch(request: ResourceRequest, context: ApiContext): Promise<void> {
  const { exchange, kind, path, word } = request;
  const type = mediaType(exchange.header('content-type'));
  requirePatchType(type, isKubernetesGroup(kind.group));
  const body = await readBody(exchange.request);
  if (type === APPLY_PATCH) {
    serverSideApply(request, context, body);
    return;
  }
  const options = writeOptions(request);
  const current = context.store.get(word, nameFrom(path));
  if (!current) throw notFound(kind, path.name);
  const patched = applyPatch(shown(request, current), { type, body, shape: shapeOf(kind) });
  const object = placeObject(request, isRecord(patched) ? patched : {});
  requireName(request, object);
  const stored = asPatchError(object, () =>
    asWebhook(() => context.store.update(admitted(request, object, context), options)),
  );
  answerObject(request, stored, context.nowMs());
}

export interface PatchBody {
  readonly type: string;
  readonly body: Buffer;
  readonly shape: Shape;
}

/** The object with a JSON, merge or strategic merge patch applied to it. */
export function applyPatch(current: KubeObject, { type, body, shape }: PatchBody): unknown {
  const content = parsePatch(body);
  if (type === JSON_PATCH) return jsonPatch(current, content);
  if (!isRecord(content)) throw badRequest('cannot restore struct from: a patch that is no object');
  return type === MERGE_PATCH ? mergePatch(current, content) : strategicPatch(copyJson(current), content, shape);
}

/** Throws UnsupportedMediaType for other patches; strategic ones are for Kubernetes' own kinds. */
export function requirePatchType(type: string, strategic: boolean, apply = true): void {
  const types = [JSON_PATCH, MERGE_PATCH, ...(apply ? [APPLY_PATCH] : []), ...(strategic ? [STRATEGIC_PATCH] : [])];
  if (!types.includes(type)) throw unsupportedMediaType(types);
}

function parsePatch(body: Buffer): unknown {
  try {
    return parseJson(body);
  } catch (error) {
    if (!(error instanceof KubeStatusError)) throw error;
    throw badRequest(`error decoding patch: ${error.message.split('json parse error: ').at(-1)}`);
  }
}

function serverSideApply(request: ResourceRequest, context: ApiContext, body: Buffer): void {
  const { exchange, path } = request;
  const named = exchange.query.get('fieldManager') ?? '';
  if (named === '') throw missingManager();
  const options = writeOptions(request);
  const applied = parseYaml(body);
  if (!isRecord(applied)) throw badRequest('error decoding YAML: the patch is no object');
  if (applied['apiVersion'] === undefined || applied['kind'] === undefined) {
    throw badRequest(`Object 'Kind' is missing in '${JSON.stringify(applied).slice(0, 200)}'`);
  }
  const object = placeObject(request, applied);
  object.metadata.name ??= path.name;
  requireName(request, object);
  requireOpen(request, object, context);
  const force = isTrue(exchange.query.get('force'));
  const apply = () =>
    context.store.serverSideApply(admitted(request, object, context), { ...options, fieldManager: named, force });
  const { object: stored, outcome } = asWebhook(apply);
  answerObject(request, stored, context.nowMs(), outcome === 'created' ? 201 : 200);
}

function missingManager(): KubeStatusError {
  const message = 'Required value: is required for apply patch';
  const causes = [{ reason: 'FieldValueRequired', message, field: 'fieldManager' }];
  const details = { group: 'meta.k8s.io', kind: 'PatchOptions', causes };
  return new KubeStatusError('Invalid', `PatchOptions.meta.k8s.io "" is invalid: fieldManager: ${message}`, details);
}

/** A patch whose result has unknown fields is an invalid patch: so say API servers. */
function asPatchError<T>(object: KubeObject, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!(error instanceof KubeStatusError) || error.reason !== 'BadRequest') throw error;
    const why = /strict decoding error: .*$|json: cannot unmarshal .*$/s.exec(error.message)?.[0];
    if (why === undefined) throw error;
    const message = `Invalid value: ${JSON.stringify(JSON.stringify(object))}: ${why}`;
    const causes = [{ reason: 'FieldValueInvalid', message, field: 'patch' }];
    throw new KubeStatusError('Invalid', ` "" is invalid: patch: ${message}`, { causes });
  }
}
