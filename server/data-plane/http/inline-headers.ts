import type { Headers } from './headers.ts';
import { STEERING } from './steering-headers.ts';

// Headers of which Envoy keeps one line: a second value is joined to the first. Source: ENVOY: INLINE_*_HEADERS in envoy/http/header_map.h, and
// what filters register beside.

const IN_BOTH: ReadonlySet<string> = new Set([
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'keep-alive',
  'proxy-connection',
  'proxy-status',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-envoy-attempt-count',
  'x-envoy-decorator-operation',
  'x-request-id',
]);

/** In an answer they are headers like others. */
const IN_REQUESTS: ReadonlySet<string> = new Set([
  ...STEERING,
  'accept',
  'accept-encoding',
  'access-control-request-headers',
  'access-control-request-method',
  'authorization',
  'expect',
  'grpc-accept-encoding',
  'grpc-timeout',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'origin',
  'pragma',
  'referer',
  'te',
  'user-agent',
  'x-client-trace-id',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-external-address',
  'x-envoy-is-timeout-retry',
  'x-envoy-original-host',
  'x-envoy-original-path',
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
]);

/** In a request they are headers like others. */
const IN_ANSWERS: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-allow-private-network',
  'access-control-expose-headers',
  'access-control-max-age',
  'age',
  'date',
  'etag',
  'expires',
  'grpc-message',
  'grpc-status',
  'last-modified',
  'location',
  'server',
  'vary',
  'x-envoy-degraded',
  'x-envoy-ratelimited',
  'x-envoy-upstream-canary',
  'x-envoy-upstream-healthchecked-cluster',
  'x-envoy-upstream-service-time',
]);

/** Whether a request keeps one line of a header. */
export const isInlineInRequests = (name: string): boolean => IN_BOTH.has(name) || IN_REQUESTS.has(name);

/** Whether an answer keeps one line of a header. */
export const isInlineInAnswers = (name: string): boolean => IN_BOTH.has(name) || IN_ANSWERS.has(name);

/** Joins what came in several lines to the one that is kept. Names that come twice are found by a bit of each: most messages have none. */
export function joinLines(headers: Headers, inline: (name: string) => boolean): void {
  const { flat } = headers;
  let seen = 0;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    const bit = 1 << ((name.length + name.charCodeAt(name.length >> 1)) & 31);
    if ((seen & bit) !== 0 && isBefore(flat, name, i) && inline(name)) {
      headers.put(name, headers.all(name).reduce(appended));
      i -= 2;
    }
    seen |= bit;
  }
}

/** A line with one more value; nothing is none. */
export const appended = (before: string, value: string): string =>
  before === '' || value === '' ? before + value : `${before},${value}`;

function isBefore(flat: readonly string[], name: string, end: number): boolean {
  for (let i = 0; i < end; i += 2) if (flat[i] === name) return true;
  return false;
}

/** Names one more proxy on the way. */
export function appendVia(headers: Headers, name: string): void {
  const before = headers.joined('via');
  headers.put('via', before ? `${before}, ${name}` : name);
}

/** Adds the host that a request asked for, in the one line that Envoy keeps of the header. */
export function appendForwardedHost(headers: Headers, host: string): void {
  const before = headers.joined('x-forwarded-host');
  headers.put('x-forwarded-host', before ? `${before},${host}` : host);
}
