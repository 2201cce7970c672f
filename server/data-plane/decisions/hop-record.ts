import {
  type HandshakeRecord,
  type HopDetail,
  type HopHandshakes,
  type HopRecord,
  type HopTracing,
  RecordedHop,
  RecordedRequest,
  RecordedResponse,
} from '#domain';
import type { TracingConfig } from '../config/tracing-config.ts';
import type { TlsFacts } from '../http/codec.ts';
import type { Exchange } from '../http/exchange.ts';
import { isGrpc } from '../http/grpc.ts';
import { spanNotes } from '../http/tracing/span-notes.ts';
import { operationOf, ownTags } from '../http/tracing/span-words.ts';
import { wallTime } from '../http/tracing/wall-time.ts';
import { type StepNote, StepSampler } from './hop-steps.ts';

const hasFailed = ({ info }: Exchange): boolean => info.flags.length > 0 || info.status >= 500;

/** False for most of what a very busy proxy does without trouble; what is recorded of it stands for the rest. */
export const isRecorded = (exchange: Exchange): boolean =>
  exchange.steps.kept || hasFailed(exchange) || isSample(exchange);

const isSample = ({ runtime, traceKey }: Exchange): boolean =>
  StepSampler.keepsTrace(traceKey, runtime.sampler.tracesOf);

const STATUS_TEXTS: readonly string[] = Array.from({ length: 600 }, (_, status) => String(status));

/** The record of a finished hop. */
export function buildHop(exchange: Exchange, accessLog: string): HopRecord {
  const { connection, head, info, received, runtime, span, steps } = exchange;
  const tls = connection.direction === 'inbound' ? connection.tls : exchange.upstreamTls;
  const peer = tls?.peerSpiffeId ?? '';
  const { authority, path } = received;
  const detail = steps.on ? detailOf(exchange) : undefined;
  const request = { method: head.method, authority, path, protocol: head.protocol, bytes: info.bytesReceived };
  const response = { status: info.status, flags: info.flags, details: info.details, bytes: info.bytesSent };
  const hop = new RecordedHop(
    {
      spanId: span.spanId,
      traceId: span.traceId,
      requestId: exchange.requestId,
      proxy: runtime.self.inHops,
      direction: connection.direction,
      startMs: info.startMs,
      durationMs: info.durationMs,
      request: new RecordedRequest(request, detail),
      response: new RecordedResponse(response, detail),
      routeName: info.routeName,
      cluster: info.cluster,
      upstreamHost: info.upstreamHost,
      attempts: info.attempts,
      mtls: peer !== '',
      pushVersion: exchange.table?.versionInfo ?? '',
      accessLog,
    },
    detail,
  );
  if (span.parentSpanId !== undefined) hop.parentSpanId = span.parentSpanId;
  if (peer !== '') hop.peer = peer;
  if (!steps.kept && !hasFailed(exchange) && isSample(exchange)) hop.standsFor = runtime.sampler.tracesOf;
  const { tracing } = exchange.config;
  if (span.sampled && tracing !== undefined) hop.tracing = tracingOf(exchange, tracing);
  else hop.sampled = false;
  const named = operationOf(exchange);
  const operation =
    named === undefined ? (exchange.callerOperation ?? exchange.route?.operation) : named(exchange) || undefined;
  if (operation !== undefined) hop.operation = operation;
  const handshakes = steps.on ? handshakesOf(connection.tls, exchange.upstreamTls, info.brokenHandshake) : undefined;
  if (handshakes !== undefined) hop.handshakes = handshakes;
  return hop;
}

const NO_HEADERS: readonly string[] = [];

const detailOf = ({ received, responseHead, steps }: Exchange): HopDetail => ({
  requestHeaders: received.headers.flat,
  responseHeaders: responseHead?.headers.flat ?? NO_HEADERS,
  tape: steps.end(),
  steps: [],
});

/** Of a gRPC call, before the configuration's own tags (Envoy: HttpTracerUtility); undefined for other requests. */
function grpcTags(exchange: Exchange): Record<string, string> | undefined {
  const { cameAsGrpc, head, responseHead, responseTrailers } = exchange;
  if (!(cameAsGrpc ?? isGrpc(head.headers))) return undefined;
  const told = (name: string): string | undefined => responseTrailers?.get(name) ?? responseHead?.headers.get(name);
  const found = {
    'grpc.path': head.path,
    'grpc.authority': head.authority,
    'grpc.content_type': head.headers.get('content-type'),
    'grpc.timeout': head.headers.get('grpc-timeout'),
    'grpc.status_code': told('grpc-status'),
    'grpc.message': told('grpc-message'),
  };
  const present = Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(present);
}

/** What a client tells of itself for its spans. */
const CLIENT_TAGS = [
  ['x-envoy-downstream-service-cluster', 'downstream_cluster'],
  ['x-client-trace-id', 'guid:x-client-trace-id'],
] as const;

function clientTags({ headers }: Exchange['head'], given: HopTracing['tags']): HopTracing['tags'] {
  let own = given;
  for (const [header, tag] of CLIENT_TAGS) {
    const value = headers.get(header);
    if (value !== undefined && value !== '') own = { ...own, [tag]: value };
  }
  return own;
}

/** Spans tell a request as it left, but for a path that its route has changed. Source: Utility::buildOriginalUri in Envoy. */
function askedAnew({ head, received }: Exchange): Pick<HopTracing, 'asked'> {
  const { authority } = head;
  const path = head.headers.get('x-envoy-original-path') ?? head.path;
  return authority === received.authority && path === received.path ? NOTHING : { asked: { authority, path } };
}

const NOTHING = {};

function tracingOf(exchange: Exchange, config: TracingConfig): HopTracing {
  const { callSpans, connection, entrySpanId, head, info } = exchange;
  const own = ownTags(exchange, config, grpcTags(exchange));
  const startMs = wallTime(exchange.runtime.clock, info.startedAt);
  const told = {
    tags: config.collector === undefined ? own : clientTags(head, own),
    maxPathLength: config.maxPathLength,
    scheme: head.scheme,
    userAgent: head.headers.get('user-agent') ?? '',
    peerIp: connection.remoteAddress.ip,
    startMs,
    ...askedAnew(exchange),
    ...(connection.listener.serves && { serves: true }),
    ...(config.tracer?.sharesSpans === true && { sharesSpans: true }),
    ...(config.verbose && info.times !== undefined && { notes: spanNotes(info.times, startMs, 'request') }),
    ...(exchange.span.traceState && { traceState: exchange.span.traceState }),
  };
  if (entrySpanId === '') return told;
  callSpans?.tries.at(-1)?.tell(exchange);
  return { ...told, entrySpanId, ...(callSpans !== undefined && { tries: callSpans.tries }) };
}

/** Undefined when both connections were plaintext. `broken` is a handshake with the upstream that never led to a connection. */
export function handshakesOf(
  down: TlsFacts | undefined,
  up: TlsFacts | undefined,
  broken: HandshakeRecord | undefined,
): HopHandshakes | undefined {
  const [downstream, upstream] = [down?.handshake, up?.handshake ?? broken];
  if (upstream === undefined) return downstream === undefined ? undefined : { downstream };
  return downstream === undefined ? { upstream } : { downstream, upstream };
}

const DETAIL_WORDS: Readonly<Record<string, string>> = {
  via_upstream: 'the answer of the host is passed on',
  direct_response: 'answered by the route itself',
  route_not_found: 'no route matches, so this proxy answers 404 itself',
  cluster_not_found: 'the route names a cluster that this proxy does not have, so it answers itself',
  no_healthy_upstream: 'no host can take the request, so this proxy answers itself',
  fault_filter_abort: 'the fault filter answers in place of the service',
  response_timeout: "the route's timeout ran out",
  upstream_per_try_timeout: 'the last try took too long',
  downstream_remote_disconnect: 'the client closed its connection before the answer was complete',
  cors_response: 'a preflight is answered here, and not sent on',
  local_rate_limited: 'its rate limit answers in place of the application',
  request_rate_limited: 'the rate limit service refused it, and the application is not asked',
  ext_authz_denied: 'the authorizer refused it, and the application is not asked',
};

/** Details that go on with a reason of their own: the reason is told by an earlier step, and stands in the evidence. */
const DETAIL_BEGINNINGS: readonly (readonly [beginning: string, words: string])[] = [
  ['rbac_access_denied', 'a policy denies it, and the application is not asked'],
  ['jwt_authn_access_denied', 'its token is refused, and the application is not asked'],
  ['upstream_reset_before_response_started{overflow', 'a full breaker: nothing was sent, so this proxy answers itself'],
  ['upstream_reset_before_response_started', 'no answer had begun when it ended, so this proxy answers itself'],
];

function detailWords(details: string): string {
  return DETAIL_WORDS[details] ?? DETAIL_BEGINNINGS.find(([begins]) => details.startsWith(begins))?.[1] ?? details;
}

/** The last step of a recorded hop; called when the hop ends. */
export function noteResponse({ info, steps }: Exchange): void {
  steps.enterAttempt(0);
  const outcome = info.details === 'via_upstream' ? 'passed' : 'stopped';
  const { status, flags, details, attempts } = info;
  steps.say(
    'response',
    outcome,
    STATUS_TEXTS[status] ?? String(status),
    responseWords,
    status,
    flags,
    details,
    attempts,
  );
}

function responseWords(status: number, flags: readonly string[], details: string, attempts: number): StepNote {
  const evidence = { status, flags: flags.join(','), details, attempts };
  return { detail: detailWords(details), evidence };
}
