import type { HopRecord } from '#domain';
import { originOf } from '../config/origins.ts';
import type { Exchange } from '../http/exchange.ts';
import type { MirrorResult } from '../http/router/mirror.ts';
import { RESET_WORDS } from '../http/router/reset-reasons.ts';

/** Reports a mirrored request as a hop of its own, a child of the request that it copies. */
export function recordMirror(exchange: Exchange, result: MirrorResult): void {
  const { connection, head, info, runtime, span } = exchange;
  const words = result.failure === undefined ? undefined : RESET_WORDS[result.failure];
  const origin = originOf(exchange.route?.origins, 'request_mirror_policies');
  const hop: HopRecord = {
    spanId: result.span.spanId,
    traceId: result.span.traceId,
    parentSpanId: span.spanId,
    // Istio's mirrors are not traced.
    sampled: false,
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
}
