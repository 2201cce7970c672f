import type { IncomingMessage } from 'node:http';

/** Headers that carry a trace across a service, one family per tracing system. */
const traceHeaders = [
  'x-request-id',
  'x-ot-span-context',
  'x-datadog-trace-id',
  'x-datadog-parent-id',
  'x-datadog-sampling-priority',
  'traceparent',
  'tracestate',
  'x-cloud-trace-context',
  'grpc-trace-bin',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
  'b3',
  'sw8',
] as const;

/** What a service copies from the request it serves to the requests it makes, beside the trace. */
const applicationHeaders = ['user-agent', 'cookie', 'authorization', 'jwt'] as const;

/** Bookinfo: productpage takes `end-user` from its session, the other services forward the header. */
export const bookinfoHeaders: readonly string[] = [...traceHeaders, ...applicationHeaders];

/** Lab services pass on the headers that routing lessons match on, too. */
export const labHeaders: readonly string[] = [
  ...bookinfoHeaders,
  'end-user',
  'x-test',
  'x-canary',
  'x-user',
  'x-group',
];

/** The named headers of a request, those that are present. */
export function pickHeaders(request: IncomingMessage, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = request.headers[name];
    if (value !== undefined) picked[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return picked;
}
