/** Where a path of the API leads: a collection, an object, or a part of one. Absent parts are empty. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly name: string;
  readonly subresource: string;
  /** What follows a subresource: the path behind `…/proxy/`. */
  readonly rest: string;
}

const NAMESPACE_PARTS = new Set(['status', 'finalize']);

/** Reads `/api/v1/…` and `/apis/GROUP/VERSION/…` down to a resource; undefined for every other path. Throws URIError for bad escapes. */
export function parseResourcePath(pathname: string): ResourcePath | undefined {
  const [root, ...all] = pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  if (root !== 'api' && root !== 'apis') return undefined;
  const group = root === 'apis' ? (all.shift() ?? '') : '';
  const version = all.shift() ?? '';
  if (version === '' || all.length === 0 || (root === 'apis' && group === '')) return undefined;
  const inNamespace = all[0] === 'namespaces' && all.length > 2 && !NAMESPACE_PARTS.has(all[2] ?? '');
  const namespace = inNamespace ? (all[1] ?? '') : '';
  const [resource = '', name = '', subresource = '', ...rest] = inNamespace ? all.slice(2) : all;
  return { group, version, namespace, resource, name, subresource, rest: rest.join('/') };
}

const VERBS: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/** The verb that a request is authorized for. */
export function verbOf(method: string, path: ResourcePath, query: URLSearchParams): string {
  if (method === 'GET' || method === 'HEAD') {
    if (path.name !== '') return 'get';
    return isTrue(query.get('watch')) ? 'watch' : 'list';
  }
  if (method === 'DELETE' && path.name === '') return 'deletecollection';
  return VERBS[method] ?? method.toLowerCase();
}

export const isTrue = (value: string | null): boolean => value !== null && /^(1|t|true)$/i.test(value);
