import { StepSampler } from '../decisions/hop-steps.ts';
import type { Exchange, RequestLayer } from './exchange.ts';
import { writeForwardingHeaders } from './forwarding.ts';
import { isGrpc } from './grpc.ts';
import { cleanHost } from './host.ts';
import { cleanPath } from './path.ts';
import { hasUuidForm, newRequestId, saysSampled, withDecision } from './request-id.ts';
import { newSpanId, startSpan, writeSpan } from './trace-context.ts';
import { tellsTrace } from './untold-span.ts';

/** Cleans the path before anything looks at it, so that no rule can be walked around; answers what cannot be cleaned. */
export const normalize: RequestLayer = (exchange) => {
  const { config, head } = exchange;
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
  writeForwardingHeaders(head.headers, {
    config,
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
    const told = head.headers.get('x-forwarded-proto');
    if (told === 'http' || told === 'https') head.scheme = told;
  }
  return 'next';
};

/** Begins this hop's span and sets x-request-id: new at the edge, kept inside the mesh. */
export const identify: RequestLayer = (exchange) => {
  const { config, head, runtime } = exchange;
  const { tracing } = config;
  const { ids } = runtime.chance;
  const given = config.useRemoteAddress && !config.keepsRequestId ? undefined : head.headers.get('x-request-id');
  if (mayStayUntold(exchange, given)) {
    identifyUntold(exchange, given);
    return 'next';
  }
  exchange.span = startSpan(head.headers, ids, () => decide(exchange, given));
  const { sampled } = exchange.span;
  if (tracing !== undefined) {
    (sampled ? exchange.stats.sampled : exchange.stats.notSampled).value++;
    if (tracing.spawnsUpstream) exchange.entrySpanId = newSpanId(ids);
  }
  if (given === undefined && !config.generateRequestId) return 'next';
  const marks = tracing?.byRequestId === true;
  exchange.requestId =
    given === undefined ? newRequestId(ids, marks && sampled) : marks ? withDecision(given, sampled) : given;
  head.headers.put('x-request-id', exchange.requestId);
  return 'next';
};

/** Whether a trace that nobody has decided about is sampled; undefined where nothing is traced. */
function decide(exchange: Exchange, given: string | undefined): boolean | undefined {
  const { tracing } = exchange.config;
  if (tracing === undefined) return undefined;
  if (asksForTrace(exchange, given)) return true;
  return tracing.share >= 100 || exchange.runtime.chance.sampling.next() * 100 < tracing.share;
}

const asksForTrace = ({ config, head }: Exchange, given: string | undefined): boolean =>
  (config.tracing?.byRequestId === true && given !== undefined && saysSampled(given)) ||
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

const isHurried = ({ runtime, steps }: Exchange): boolean => runtime.sampler.busy && !steps.on;

const isCalledByProxy = ({ connection }: Exchange, given: string | undefined): boolean =>
  given !== undefined && connection.direction === 'inbound' && connection.tls !== undefined;

/** Of the traces that are recorded all the same, the first proxy tells in headers as ever. */
function identifyUntold(exchange: Exchange, given: string | undefined): void {
  const { config, head, runtime, stats } = exchange;
  exchange.untold = given === undefined ? 'begins' : 'goes on';
  exchange.requestId = given ?? newRequestId(runtime.chance.ids, false);
  if (StepSampler.keepsTrace(exchange.requestId, runtime.sampler.tracesOf) || !isHurried(exchange)) {
    exchange.tellSpan(given === undefined ? decide(exchange, given) : undefined);
  }
  const sampled = exchange.untold === undefined && exchange.span.sampled;
  if (config.tracing !== undefined) (sampled ? stats.sampled : stats.notSampled).value++;
  if (sampled && config.tracing?.byRequestId === true) exchange.requestId = withDecision(exchange.requestId, true);
  if (exchange.requestId !== given) head.headers.put('x-request-id', exchange.requestId);
}

/** Hands the span on to whoever receives the request. */
export const propagateTrace: RequestLayer = (exchange) => {
  if (exchange.untold !== undefined) return 'next';
  const { entrySpanId, span } = exchange;
  writeSpan(exchange.head.headers, span, entrySpanId === '' ? span.parentSpanId : entrySpanId);
  return 'next';
};
