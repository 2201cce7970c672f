import type { RequestLayer } from './exchange.ts';
import { writeForwardingHeaders } from './forwarding.ts';
import { isGrpc } from './grpc.ts';
import { cleanHost } from './host.ts';
import { cleanPath } from './path.ts';
import { newRequestId, saysSampled, withDecision } from './request-id.ts';
import { newSpanId, startSpan, writeSpan } from './trace-context.ts';

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
  const { ids, sampling } = runtime.chance;
  const given = config.useRemoteAddress && !config.keepsRequestId ? undefined : head.headers.get('x-request-id');
  exchange.span = startSpan(head.headers, ids, () => {
    if (tracing === undefined) return undefined;
    if (tracing.byRequestId && given !== undefined && saysSampled(given)) return true;
    if (head.headers.has('x-envoy-force-trace')) return true;
    return tracing.share >= 100 || sampling.next() * 100 < tracing.share;
  });
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

/** Hands the span on to whoever receives the request. */
export const propagateTrace: RequestLayer = (exchange) => {
  const { entrySpanId, span } = exchange;
  writeSpan(exchange.head.headers, span, entrySpanId === '' ? span.parentSpanId : entrySpanId);
  return 'next';
};
