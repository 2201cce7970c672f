import type { HopRecord } from '#domain';
import { formatAddress } from '#domain';
import { handshakesOf } from '../decisions/hop-record.ts';
import type { HopSteps } from '../decisions/hop-steps.ts';
import type { TlsFacts } from '../http/codec.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { newSpanId, newTraceId } from '../http/trace-context.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { xxHash64 } from '../upstream/hashing/xx-hash.ts';

export interface TcpSessionFacts {
  readonly runtime: ProxyRuntime;
  readonly context: ConnectionContext;
  readonly info: StreamInfo;
  /** Why the proxy itself ended it; empty where it did not. */
  readonly details: string;
  readonly steps: HopSteps;
  readonly upstreamTls: TlsFacts | undefined;
  readonly accessLog: string;
}

/**
 * The record of a connection that was passed on as it is. No header carries a trace through it: the two proxies of one connection know
 * each other's record by the addresses of the connection between them, which both see.
 */
export function buildTcpHop(facts: TcpSessionFacts): HopRecord {
  const { context, info, runtime, steps } = facts;
  const tls = context.direction === 'inbound' ? context.tls : facts.upstreamTls;
  const peer = tls?.peerSpiffeId ?? '';
  const handshakes = handshakesOf(context.tls, facts.upstreamTls, info.brokenHandshake);
  return {
    ...identityOf(facts),
    // Envoy traces requests only.
    sampled: false,
    requestId: '',
    proxy: runtime.self.inHops,
    direction: context.direction,
    startMs: info.startMs,
    durationMs: info.durationMs,
    request: {
      method: '',
      authority: context.requestedServerName || formatAddress(context.localAddress),
      path: '',
      protocol: 'TCP',
      headers: [],
      bytes: info.bytesReceived,
    },
    response: { status: 0, flags: info.flags, details: facts.details, bytes: info.bytesSent, headers: [] },
    routeName: info.routeName,
    cluster: info.cluster,
    upstreamHost: info.upstreamHost,
    attempts: info.attempts,
    mtls: peer !== '',
    ...(peer !== '' && { peer }),
    pushVersion: context.listener.versionInfo,
    steps: steps.build(),
    accessLog: facts.accessLog,
    ...(handshakes !== undefined && { handshakes }),
  };
}

function identityOf({
  context,
  info,
  runtime,
}: TcpSessionFacts): Pick<HopRecord, 'spanId' | 'traceId' | 'parentSpanId'> {
  const { ids } = runtime.chance;
  if (context.direction === 'inbound') {
    const between = connectionId(formatAddress(context.remoteAddress), formatAddress(context.localAddress));
    return { ...between, spanId: newSpanId(ids), parentSpanId: between.spanId };
  }
  if (info.upstreamLocalAddress === '') return { spanId: newSpanId(ids), traceId: newTraceId(ids) };
  return connectionId(info.upstreamLocalAddress, info.upstreamHost);
}

/** Ids that both ends of a connection compute alike. */
export function connectionId(from: string, to: string): { readonly spanId: string; readonly traceId: string } {
  const hex = (seed: bigint): string => xxHash64(`${from}>${to}`, seed).toString(16).padStart(16, '0');
  return { spanId: hex(1n), traceId: hex(2n) + hex(3n) };
}
