import type { GroupVersion } from '../discovery/groups.ts';
import type { ServedKind } from '../doors.ts';
import type { JsonRecord } from '../json.ts';
import { isKubernetesGroup } from '../types/types.ts';

const query = (name: string, type: 'string' | 'boolean' | 'integer'): JsonRecord => ({
  name,
  in: 'query',
  schema: { type, uniqueItems: true },
});

const WRITE = [query('dryRun', 'string'), query('fieldManager', 'string'), query('fieldValidation', 'string')];
const DELETE = [
  query('dryRun', 'string'),
  query('gracePeriodSeconds', 'integer'),
  query('propagationPolicy', 'string'),
];
const LIST = ['labelSelector', 'fieldSelector', 'continue', 'resourceVersion', 'resourceVersionMatch']
  .map((name) => query(name, 'string'))
  .concat(query('limit', 'integer'), query('watch', 'boolean'), query('allowWatchBookmarks', 'boolean'));
const PATCH_TYPES = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json'];
/** Clients send strategic patches where this says that they may. */
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';

/** The paths of one kind, as far as clients read them: which verbs there are, and that fields are validated by the server. */
export function pathsOf(kind: ServedKind, { group, version }: GroupVersion, schema: string): JsonRecord {
  const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = kind.namespaced ? `${base}/namespaces/{namespace}/${kind.plural}` : `${base}/${kind.plural}`;
  const body = { $ref: `#/components/schemas/${schema}` };
  const named = { group, version, kind: kind.kind };
  const content = { 'application/json': { schema: body } };
  const operation = (action: string, parameters: readonly JsonRecord[], requestBody?: JsonRecord): JsonRecord => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': named,
    parameters,
    ...(requestBody ? { requestBody } : {}),
    responses: { 200: { description: 'OK', content } },
  });
  const types = isKubernetesGroup(group) ? [...PATCH_TYPES, STRATEGIC_PATCH] : PATCH_TYPES;
  const patches = Object.fromEntries(types.map((type) => [type, { schema: { type: 'object' } }]));
  return {
    [collection]: {
      get: operation('list', LIST),
      post: operation('post', WRITE, { content: { '*/*': { schema: body } } }),
      delete: operation('deletecollection', [...LIST, ...DELETE]),
    },
    [`${collection}/{name}`]: {
      get: operation('get', []),
      put: operation('put', WRITE, { content: { '*/*': { schema: body } } }),
      patch: operation('patch', [...WRITE, query('force', 'boolean')], { content: patches }),
      delete: operation('delete', DELETE),
    },
    ...(kind.namespaced ? { [`${base}/${kind.plural}`]: { get: operation('list', LIST) } } : {}),
  };
}
