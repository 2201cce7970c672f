import { once } from 'node:events';
import type { PodLogOptions } from '../doors.ts';
import type { ApiContext } from '../http/context.ts';
import { isTrue } from '../http/request-path.ts';
import { nameFrom, type ResourceRequest } from '../http/resource.ts';
import { badRequest, KubeStatusError, notFound } from '../status-error.ts';
import { podAccess, settleContainer } from './pod-target.ts';

/** GET of `pods/NAME/log`: the text of a container's output, followed on demand. */
export async function logs(request: ResourceRequest, context: ApiContext): Promise<void> {
  const { exchange, kind, path, word } = request;
  const pod = context.store.get(word, nameFrom(path));
  if (!pod) throw notFound(kind, path.name);
  const { query, response, signal } = exchange;
  const options = logOptions(query, settleContainer(pod, query.get('container')), context.nowMs());
  const pieces = podAccess(context).logs(pod, options, signal)[Symbol.asyncIterator]();
  // A refusal is a Status as long as nothing has been sent.
  let next = options.follow ? undefined : await pieces.next();
  if (options.follow) next = await firstOf(pieces, () => exchange.begin(200, 'text/plain'));
  if (!response.headersSent) exchange.begin(200, 'text/plain');
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  for (; next && !next.done && left > 0 && !signal.aborted; next = await pieces.next()) {
    const piece = Buffer.from(next.value).subarray(0, left);
    left -= piece.length;
    if (!response.write(piece)) await once(response, 'drain', { signal }).catch(() => undefined);
  }
  await pieces.return?.();
  response.end();
}

/** The first piece; a log that says nothing for a turn of the event loop is begun without it. */
async function firstOf<T>(pieces: AsyncIterator<T>, begin: () => void): Promise<IteratorResult<T>> {
  const first = pieces.next();
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  first.then(settle, settle);
  await new Promise((resolve) => setImmediate(resolve));
  if (!settled) begin();
  return first;
}

function logOptions(query: URLSearchParams, container: string, nowMs: number): PodLogOptions {
  const tailLines = count(query, 'tailLines', 0);
  const limitBytes = count(query, 'limitBytes', 1);
  const sinceSeconds = count(query, 'sinceSeconds', 1);
  const sinceTime = query.get('sinceTime');
  if (sinceSeconds !== undefined && sinceTime !== null) {
    throw badRequest('at most one of `sinceTime` or `sinceSeconds` may be specified');
  }
  const sinceMs =
    sinceTime === null ? (sinceSeconds === undefined ? undefined : nowMs - sinceSeconds * 1000) : Date.parse(sinceTime);
  if (Number.isNaN(sinceMs))
    throw badRequest(`parsing time ${JSON.stringify(sinceTime)}: it is not in the form of RFC 3339`);
  return {
    container,
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  };
}

function count(query: URLSearchParams, field: string, least: number): number | undefined {
  const text = query.get(field);
  if (text === null || text === '') return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = Number(text);
  if (value >= least) return value;
  const message = `Invalid value: ${value}: must be greater than ${least === 0 ? 'or equal to 0' : '0'}`;
  const details = { kind: 'PodLogOptions', causes: [{ reason: 'FieldValueInvalid', message, field }] };
  throw new KubeStatusError('Invalid', `PodLogOptions "" is invalid: ${field}: ${message}`, details);
}
