import type { HopRecord, HopTracing } from '#domain';
import { originOf } from '../config/origins.ts';
import type { Exchange } from '../http/exchange.ts';
import type { MirrorResult } from '../http/router/mirror.ts';
import { wallTime } from '../http/tracing/wall-time.ts';

/** Reports a mirrored request as a hop of its own, a child of the request that it copies. */
export function recordMirror(exchange: Exchange, result: MirrorResult): void {
  const { connection, head, info, runtime } = exchange;
  const words = result.failure;
  const origin = originOf(exchange.route?.origins, 'request_mirror_policies');
  const hop: HopRecord = {
    spanId: result.span.spanId,
    traceId: result.span.traceId,
    parentSpanId: result.span.parentSpanId ?? '',
    // Istio's mirrors are not.
    sampled: result.span.sampled,
    ...(result.span.sampled && { tracing: tracingOf(exchange, result) }),
    requestId: exchange.requestId,
    proxy: runtime.self.inHops,
    direction: connection.direction,
    startMs: runtime.clock.now() - result.durationMs,
    durationMs: result.durationMs,
    request: {
      method: head.method,
      authority: head.authority,
      path: head.path,
      protocol: head.protocol,
      headers: [],
      bytes: info.bytesReceived,
    },
    response: {
      status: words?.status ?? result.status,
      flags: words === undefined ? [] : [words.flag],
      details: words?.details ?? 'via_upstream',
      bytes: result.bytes,
      headers: [],
    },
    routeName: info.routeName,
    cluster: result.cluster.config.name,
    upstreamHost: result.host,
    attempts: 1,
    mtls: result.peerId !== '',
    ...(result.peerId !== '' && { peer: result.peerId }),
    pushVersion: exchange.table?.versionInfo ?? '',
    steps: [
      {
        stage: 'route',
        outcome: 'applied',
        name: result.cluster.config.name,
        detail: 'a mirrored copy: its answer went to nobody',
        ...(origin !== undefined && { origin }),
        atMs: 0,
      },
    ],
    accessLog: '',
  };
  runtime.onHop(hop);
  const collector = exchange.config.tracing?.collector;
  if (collector !== undefined) runtime.spans.send(collector, hop);
}

/** Its span is that of a call below the request. Source: AsyncRequestSharedImpl and ShadowWriterImpl in Envoy. */
function tracingOf({ connection, runtime }: Exchange, result: MirrorResult): HopTracing {
  const { durationMs, failure, host, span, status } = result;
  const { clock } = runtime;
  const startMs = wallTime(clock, clock.monotonic() - durationMs);
  const copy = {
    // As in Envoy, whatever the host speaks.
    ...{ spanId: span.spanId, host, startMs, durationMs, protocol: 'HTTP/1.1' },
    status: status || (failure?.status ?? 0),
    flags: failure?.flag ?? '',
    ...{ reason: '', canceled: false, grpcStatus: undefined, grpcMessage: undefined },
    ...{ tags: {}, notes: [], operation: 'mirror' },
  };
  return { tags: {}, maxPathLength: 0, scheme: '', userAgent: '', peerIp: connection.remoteAddress.ip, copy };
}
