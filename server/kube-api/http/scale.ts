import type { KubeObject } from '#domain';
import type { Scale } from '../doors.ts';
import { isRecord } from '../json.ts';
import { at, numberAt } from '../kinds/columns.ts';
import { invalidValue } from '../kinds/problems.ts';
import { badRequest, invalid, notFound } from '../status-error.ts';
import { shapeOf } from '../types/shape.ts';
import { decodeObject, mediaType, readBody } from './body.ts';
import type { ApiContext } from './context.ts';
import { applyPatch, requirePatchType } from './patches.ts';
import { nameFrom, type ResourceRequest } from './resource.ts';
import { writeOptions } from './write-options.ts';

/** `app=web,tier in (a,b)`: a LabelSelector as text. */
function selectorText(selector: unknown): string {
  const labels = at(selector, 'matchLabels');
  const equal = Object.entries(isRecord(labels) ? labels : {}).map(([key, value]) => `${key}=${String(value)}`);
  const expressions = at(selector, 'matchExpressions');
  const terms = (Array.isArray(expressions) ? expressions : []).map((each) => {
    const [key, operator, values] = [at(each, 'key'), at(each, 'operator'), at(each, 'values')];
    if (operator === 'Exists') return String(key);
    if (operator === 'DoesNotExist') return `!${String(key)}`;
    return `${String(key)} ${String(operator).toLowerCase()} (${Array.isArray(values) ? values.join(',') : ''})`;
  });
  return [...equal, ...terms].sort().join(',');
}

function scaleOf(object: KubeObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const metadata = { name, namespace, uid, resourceVersion, creationTimestamp } as KubeObject['metadata'];
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata,
    spec: { replicas: numberAt(object, 'spec.replicas') },
    status: { replicas: numberAt(object, 'status.replicas'), selector: selectorText(at(object, 'spec.selector')) },
  };
}

/** GET, PUT and PATCH of `…/scale`: the number of replicas of a workload. */
export async function scale(request: ResourceRequest, context: ApiContext): Promise<void> {
  const { exchange, kind, path, word } = request;
  const current = context.store.get(word, nameFrom(path));
  if (!current) throw notFound(kind, path.name);
  if (exchange.method === 'GET') {
    exchange.json(200, scaleOf(current));
    return;
  }
  const wanted = await wantedScale(request, scaleOf(current));
  const replicas = at(wanted, 'spec.replicas') ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    throw invalid(kind, path.name, [invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0')]);
  }
  const { subresource: _, ...options } = writeOptions(request);
  const version = at(wanted, 'metadata.resourceVersion');
  const object: KubeObject = {
    ...current,
    metadata: { ...current.metadata, ...(typeof version === 'string' ? { resourceVersion: version } : {}) },
    spec: { ...(isRecord(current.spec) ? current.spec : {}), replicas },
  };
  exchange.json(200, scaleOf(context.store.update(object, options)));
}

async function wantedScale({ exchange, kind }: ResourceRequest, current: Scale): Promise<unknown> {
  const type = mediaType(exchange.header('content-type'));
  if (exchange.method === 'PATCH') {
    requirePatchType(type, true, false);
    const body = await readBody(exchange.request);
    return applyPatch(current, { type, body, shape: shapeOf(kind) });
  }
  const sent = decodeObject(await readBody(exchange.request), type);
  if (sent['kind'] !== 'Scale') throw badRequest(`${String(sent['kind'])} cannot be handled as a Scale`);
  return sent;
}
