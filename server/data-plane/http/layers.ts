import type { TracingConfig } from '../config/tracing-config.ts';
import { StepSampler } from '../decisions/hop-steps.ts';
import { changeHeaders } from './change-headers.ts';
import type { Exchange, RequestLayer } from './exchange.ts';
import { findClient } from './find-client.ts';
import { writeForwardingHeaders } from './forwarding.ts';
import { isGrpc } from './grpc.ts';
import { cleanHost } from './host.ts';
import { isInlineInRequests, joinLines } from './inline-headers.ts';
import { cleanPath } from './path.ts';
import { hasUuidForm, newRequestId, reasonOf, type TraceReason, withReason } from './request-id.ts';
import { routeOf, tableOf } from './router/choose-route.ts';
import { newSpanId, type SpanContext, startSpan } from './trace-context.ts';
import { CallSpans } from './tracing/call-spans.ts';
import { handOn } from './tracing/hand-on.ts';
import { continueSpan } from './tracing/propagation.ts';
import { traceReason } from './tracing/trace-reason.ts';
import { tellsTrace } from './untold-span.ts';

/** Cleans the path before anything looks at it, so that no rule can be walked around; answers what cannot be cleaned. */
export const normalize: RequestLayer = (exchange) => {
  const { config, head } = exchange;
  if (head.refusal !== undefined) {
    exchange.reply(head.refusal);
    return 'wait';
  }
  if (head.path !== '' && !head.path.startsWith('/')) {
    exchange.stats.count('downstream_rq_non_relative_path');
    exchange.reply({ status: 404, details: 'absolute_path_rejected' });
    return 'wait';
  }
  const clean = cleanPath(head.path, config.paths);
  head.path = clean.path;
  if (clean.outcome === 'go on') return 'next';
  // A gRPC client follows no redirect.
  if (clean.outcome === 'refuse' || isGrpc(head.headers)) {
    exchange.stats.count('downstream_rq_failed_path_normalization');
    exchange.reply({ status: 400, details: 'path_normalization_failed' });
    return 'wait';
  }
  exchange.stats.count('downstream_rq_redirected_with_normalized_path');
  exchange.reply({ status: 307, details: 'path_normalization_failed', headers: { location: clean.path } });
  return 'wait';
};

/** Takes what no rule speaks of out of the host, as far as the configuration wants it: its port, the dot at its end. */
export const normalizeHost: RequestLayer = ({ config: { hosts }, connection, head }) => {
  if (hosts.keptAsIs) return 'next';
  head.authority = cleanHost(head.authority, hosts, connection.localAddress.port);
  return 'next';
};

/** Says from whom and how the request came: X-Forwarded-*, the client's certificate; strips steering headers at the edge. */
export const writeForwarding: RequestLayer = (exchange) => {
  const { config, connection, head, runtime } = exchange;
  joinLines(head.headers, isInlineInRequests);
  if (config.earlyChanges !== undefined) changeHeaders(head.headers, config.earlyChanges, exchange);
  if (config.origin !== undefined && findClient(exchange, config.origin) === 'refused') return 'wait';
  writeForwardingHeaders(head.headers, {
    config,
    internal: exchange.internal,
    remoteIp: connection.remoteAddress.ip,
    localPort: connection.localAddress.port,
    tls: connection.tls,
    own: runtime.self.spiffeId,
  });
  if (config.scheme !== undefined) {
    head.scheme = config.scheme;
    head.headers.put('x-forwarded-proto', config.scheme);
  } else if (head.protocol !== 'HTTP/2') {
    // HTTP/1.1 says no scheme of its own.
    const told = head.headers.get('x-forwarded-proto')?.toLowerCase();
    if (told === 'http' || told === 'https') head.scheme = told;
  }
  return 'next';
};

/** Sets x-request-id, new at the edge and kept inside the mesh, decides whether the request is traced, and begins this hop's span. */
export const identify: RequestLayer = (exchange) => {
  const { config, head, runtime } = exchange;
  const { tracing } = config;
  const { ids } = runtime.chance;
  const edge = config.useRemoteAddress && !exchange.internal;
  const given = edge && !config.keepsRequestId ? undefined : head.headers.get('x-request-id');
  if (mayStayUntold(exchange, given)) {
    identifyUntold(exchange, given);
    return 'next';
  }
  const id = given ?? (config.generateRequestId ? newRequestId(ids) : '');
  const reason = tracing && reasonToTrace(exchange, id, tracing);
  exchange.requestId = decided(exchange, id, reason);
  if (id !== '') head.headers.put('x-request-id', exchange.requestId);
  const { traceId, spanId } = exchange.span;
  const span = begunSpan(exchange, reason);
  exchange.span = traceId === '' ? span : { ...span, traceId, spanId };
  if (tracing?.spawnsUpstream === true) {
    exchange.entrySpanId = exchange.span.spanId;
    exchange.span = { ...exchange.span, spanId: newSpanId(ids) };
    exchange.callSpans = new CallSpans(runtime.clock, ids);
  }
  return 'next';
};

/** Routes may say otherwise than the connection manager: where there are such, that of the request is found at once. */
function reasonToTrace(exchange: Exchange, id: string, config: TracingConfig): TraceReason | undefined {
  const { headers } = exchange.head;
  const table = tableOf(exchange);
  const { values } = exchange.runtime;
  if (table?.traced !== true) return traceReason(id, headers, { config, values });
  // Routes that take a share of the requests draw by the trace.
  if (exchange.untold === undefined) exchange.span = begunSpan(exchange, undefined);
  return traceReason(id, headers, { config, shares: routeOf(exchange, table)?.tracing, values });
}

/** Counts the decision to trace, and returns the request's id with it. */
function decided(exchange: Exchange, id: string, reason: TraceReason | undefined): string {
  const { tracing } = exchange.config;
  if (tracing === undefined) return id;
  exchange.traceReason = reason;
  exchange.stats.traced(reason);
  return tracing.byRequestId && (reason !== undefined || reasonOf(id) !== undefined) ? withReason(id, reason) : id;
}

function begunSpan(
  { config: { tracing }, connection, head, runtime }: Exchange,
  reason: TraceReason | undefined,
): SpanContext {
  const random = runtime.chance.ids;
  const traced = tracing === undefined ? undefined : reason !== undefined;
  if (tracing?.tracer === undefined) return startSpan(head.headers, random, () => traced);
  const { serves } = connection.listener;
  return continueSpan(head.headers, { tracer: tracing.tracer, random, serves, traced: traced === true });
}

const asksForTrace = ({ config, head }: Exchange, given: string | undefined): boolean =>
  (config.tracing?.byRequestId === true && given !== undefined && reasonOf(given) !== undefined) ||
  head.headers.has('x-envoy-force-trace');

/**
 * As Envoy that sends its spans nowhere, a busy proxy writes no trace headers: nobody will look at most of what it does, and for the rest the
 * id of the request tells the trace. Whoever is called by such a proxy goes on in the same way.
 */
function mayStayUntold(exchange: Exchange, given: string | undefined): boolean {
  const { config, head } = exchange;
  if (config.tracing?.collector !== undefined) return false;
  if (given === undefined ? !config.generateRequestId : !hasUuidForm(given)) return false;
  if (!isHurried(exchange) && !isCalledByProxy(exchange, given)) return false;
  return !tellsTrace(head.headers) && !asksForTrace(exchange, given);
}

const isHurried = ({ runtime }: Exchange): boolean => runtime.sampler.busy;

const isCalledByProxy = ({ connection }: Exchange, given: string | undefined): boolean =>
  given !== undefined && connection.direction === 'inbound' && connection.tls !== undefined;

/** Of the traces that are recorded all the same, the first proxy tells in headers as ever. */
function identifyUntold(exchange: Exchange, given: string | undefined): void {
  const { config, head, runtime } = exchange;
  exchange.untold = given === undefined ? 'begins' : 'goes on';
  exchange.requestId = given ?? newRequestId(runtime.chance.ids);
  let reason: TraceReason | undefined;
  if (StepSampler.keepsTrace(exchange.requestId, runtime.sampler.tracesOf) || !isHurried(exchange)) {
    if (given === undefined) reason = config.tracing && reasonToTrace(exchange, exchange.requestId, config.tracing);
    exchange.tellSpan(given !== undefined || config.tracing === undefined ? undefined : reason !== undefined);
  }
  exchange.requestId = decided(exchange, exchange.requestId, reason);
  if (exchange.requestId !== given) head.headers.put('x-request-id', exchange.requestId);
}

/** Hands the span on to whoever receives the request. */
export const propagateTrace: RequestLayer = (exchange) => {
  if (exchange.untold === undefined) handOn(exchange, exchange.head.headers, exchange.span);
  return 'next';
};
