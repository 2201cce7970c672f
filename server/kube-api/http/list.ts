import type { KubeObject } from '#domain';
import { isRecord, type JsonRecord } from '../json.ts';
import { badRequest } from '../status-error.ts';
import { answerList } from './answer.ts';
import type { ApiContext } from './context.ts';
import { isTrue } from './request-path.ts';
import type { ResourceRequest } from './resource.ts';
import { selectionOf } from './selection.ts';
import { readResourceVersion } from './watch-cache.ts';

/** Where a chunked list goes on: after this object, in the state of this version. */
interface Continuation {
  readonly version: number;
  readonly after: string;
}

const encode = ({ version, after }: Continuation): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start: after })).toString('base64url');

function decode(token: string): Continuation {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (isRecord(value) && typeof value['rv'] === 'number' && typeof value['start'] === 'string') {
      return { version: value['rv'], after: value['start'] };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw badRequest('continue key is not valid: illegal base64 data or unknown version');
}

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

/** GET of a collection: selected, in chunks, now or at a version. */
export function list(request: ResourceRequest, context: ApiContext): void {
  const { exchange, kind, path, stored } = request;
  const { query } = exchange;
  if (isTrue(query.get('sendInitialEvents'))) throw badRequest('sendInitialEvents is forbidden for list');
  const selection = selectionOf(kind, path.namespace, query);
  const token = query.get('continue') ?? '';
  const from = token === '' ? undefined : decode(token);
  const version = from?.version ?? exactVersion(query, context) ?? context.cache.current;
  const all = context.cache.listAt(stored, version).filter(selection.matches);
  const rest = from ? all.filter((object) => keyOf(object) > from.after) : all;
  const limit = readLimit(query);
  const page = limit > 0 ? rest.slice(0, limit) : rest;
  const left = rest.length - page.length;
  const last = page.at(-1);
  const more: JsonRecord =
    left > 0 && last
      ? {
          continue: encode({ version, after: keyOf(last) }),
          ...(selection.selective ? {} : { remainingItemCount: left }),
        }
      : {};
  answerList(request, page, { resourceVersion: String(version), ...more }, context.nowMs());
}

function readLimit(query: URLSearchParams): number {
  const text = query.get('limit') ?? '0';
  if (!/^-?\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** The version that a list must show exactly; undefined for the newest. Throws Timeout for one that is not reached. */
function exactVersion(query: URLSearchParams, { cache }: ApiContext): number | undefined {
  const version = readResourceVersion(query.get('resourceVersion'));
  const match = query.get('resourceVersionMatch') ?? '';
  if (match !== '' && match !== 'Exact' && match !== 'NotOlderThan') {
    throw badRequest(`resourceVersionMatch: Unsupported value: "${match}": supported values: "Exact", "NotOlderThan"`);
  }
  if (version === undefined) {
    if (match !== '') throw badRequest('resourceVersionMatch is forbidden unless resourceVersion is provided');
    return undefined;
  }
  if (match === 'Exact' && version === 0) {
    throw badRequest(
      'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    );
  }
  cache.requireReached(version);
  return match === 'Exact' ? version : undefined;
}
