import type { Headers } from './headers.ts';

/**
 * Headers of which Envoy keeps one line: a second value is joined to the first. Source: ENVOY: INLINE_*_HEADERS in envoy/http/header_map.h,
 * and what filters register beside.
 */
const INLINE: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'access-control-max-age',
  'access-control-request-headers',
  'access-control-request-method',
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'etag',
  'expect',
  'forwarded',
  'grpc-accept-encoding',
  'grpc-message',
  'grpc-status',
  'grpc-timeout',
  'keep-alive',
  'location',
  'origin',
  'proxy-connection',
  'proxy-status',
  'referer',
  'server',
  'te',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'vary',
  'via',
  'x-client-trace-id',
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-request-id',
]);

export const isInline = (name: string): boolean => INLINE.has(name);

/** Of those, what only requests have: in an answer they are headers like others. */
const OF_REQUESTS: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'access-control-request-headers',
  'access-control-request-method',
  'authorization',
  'expect',
  'grpc-accept-encoding',
  'grpc-timeout',
  'origin',
  'referer',
  'te',
  'user-agent',
  'x-client-trace-id',
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
]);

/** Whether an answer keeps one line of a header. */
export const isInlineInAnswers = (name: string): boolean => INLINE.has(name) && !OF_REQUESTS.has(name);

/** Names one more proxy on the way. */
export function appendVia(headers: Headers, name: string): void {
  const before = headers.joined('via');
  headers.set('via', before === undefined ? name : `${before}, ${name}`);
}

/** Adds the host that a request asked for, in the one line that Envoy keeps of the header. */
export function appendForwardedHost(headers: Headers, host: string): void {
  const before = headers.joined('x-forwarded-host');
  headers.set('x-forwarded-host', before ? `${before},${host}` : host);
}
