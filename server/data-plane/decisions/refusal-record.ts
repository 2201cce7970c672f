import type { HandshakeRecord, HopRecord } from '#domain';
import { type AccessLogger, istioLogFormat } from '../config/access-log/index.ts';
import { type FormatSubject, NO_REQUEST } from '../format/subject.ts';
import { Headers } from '../http/headers.ts';
import type { ResponseFlag } from '../http/response-flags.ts';
import { StreamInfo } from '../http/stream-info.ts';
import { startSpan } from '../http/trace-context.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { PendingConnection } from '../listener/pending-connection.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { HopSteps, type StepNote } from './hop-steps.ts';

/** Request headers that are read from the first bytes of a refused connection, at most. */
const MAX_HEAD_LINES = 100;

/** Why a connection is refused, where it is neither for want of a filter chain nor by TLS. */
export interface RefusalReason {
  readonly details: string;
  readonly flag?: ResponseFlag | undefined;
}

/**
 * Reports a connection that was refused before it could carry a request. Where its first bytes are a plaintext request, they tell the
 * trace, so that the refusal stands beside the call that met it.
 */
export function recordRefusal(connection: PendingConnection, why?: RefusalReason): void {
  const { runtime } = connection;
  const info = new StreamInfo(runtime.clock.now(), runtime.clock.monotonic());
  const noChain = connection.chain === undefined && why === undefined;
  if (noChain) info.flag('NR');
  if (why?.flag !== undefined) info.flag(why.flag);
  info.details = why?.details ?? (noChain ? 'filter_chain_not_found' : 'downstream_transport_failure');
  const head = readHead(connection.inspection.firstBytes);
  const subject = {
    head: NO_REQUEST,
    responseHead: undefined,
    info,
    runtime,
    connection: {
      ...connection,
      listener: connection.listener?.config,
      requestedServerName: connection.inspection.serverName,
    },
  };
  const accessLog = writeLines(connection, subject, why);
  const steps = new HopSteps({ clock: runtime.clock, startedAt: info.startedAt, before: connection.steps });
  runtime.onHop(
    hopOf({
      runtime,
      direction: connection.direction,
      info,
      head,
      steps: steps.build(),
      accessLog,
      versionInfo: connection.listener?.config.versionInfo ?? '',
      handshake: connection.brokenHandshake,
    }),
  );
}

/**
 * What Envoy writes about it: connections that no chain wants are the listener's to log, and a TCP proxy logs each of its connections,
 * without a reason; an HTTP connection whose handshake failed had no request, hence no line.
 */
function writeLines(
  { chain, listener, runtime }: PendingConnection,
  subject: FormatSubject,
  why?: RefusalReason,
): string {
  const info = new StreamInfo(subject.info.startMs, subject.info.startedAt);
  if (chain === undefined) {
    const told = why === undefined ? subject.info : info;
    // As in Envoy, entries of listeners are of no type.
    told.logType = 'NotSet';
    return writeEach(listener?.config.accessLogs ?? [], { ...subject, info: told }, runtime);
  }
  if (chain.filter.kind !== 'tcp' || chain.lacksFilter) return '';
  if (why?.flag !== undefined) info.flag(why.flag);
  return writeEach(chain.filter.accessLogs, { ...subject, info }, runtime);
}

/** The first line of those that were written; empty: none was. */
function writeEach(logs: readonly AccessLogger[], subject: FormatSubject, { onEntry }: ProxyRuntime): string {
  let first = '';
  for (const log of logs) {
    const line = log(subject);
    if (line === undefined) continue;
    first ||= String(line);
    onEntry(line);
  }
  return first;
}

/** Reports a connection that was refused by its first bytes, after it had been joined to an upstream. */
export function recordDenial(refused: {
  readonly runtime: ProxyRuntime;
  readonly context: ConnectionContext;
  readonly info: StreamInfo;
  readonly denial: { readonly filter: string; readonly note: StepNote };
}): void {
  const { runtime, context, info } = refused;
  const { filter, note } = refused.denial;
  const steps = new HopSteps({ clock: runtime.clock, startedAt: info.startedAt, before: context.steps });
  steps.add('filter_chain', 'stopped', filter, () => note);
  runtime.onHop(
    hopOf({
      runtime,
      direction: context.direction,
      info,
      head: readHead(Buffer.alloc(0)),
      steps: steps.build(),
      accessLog: istioLogFormat({ head: NO_REQUEST, responseHead: undefined, info, connection: context }),
      versionInfo: context.listener.versionInfo,
      peer: context.tls?.peerSpiffeId ?? '',
      handshake: context.tls?.handshake,
    }),
  );
}

interface RefusedHop {
  readonly runtime: ProxyRuntime;
  readonly direction: HopRecord['direction'];
  readonly info: StreamInfo;
  readonly head: ReturnType<typeof readHead>;
  readonly steps: HopRecord['steps'];
  readonly accessLog: string;
  readonly versionInfo: string;
  readonly peer?: string;
  /** With who asked. */
  readonly handshake?: HandshakeRecord | undefined;
}

function hopOf(refused: RefusedHop): HopRecord {
  const { runtime, direction, info, head, steps, accessLog, versionInfo, peer = '', handshake } = refused;
  const span = startSpan(head.headers, runtime.chance.ids, () => false);
  return {
    spanId: span.spanId,
    traceId: span.traceId,
    ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
    sampled: false,
    requestId: head.headers.get('x-request-id') ?? '',
    proxy: runtime.self.inHops,
    direction,
    startMs: info.startMs,
    durationMs: 0,
    request: {
      method: head.method,
      authority: head.headers.get('host') ?? '',
      path: head.path,
      protocol: head.method === '' ? 'TCP' : 'HTTP/1.1',
      headers: head.headers.entries(),
      bytes: 0,
    },
    response: {
      status: 0,
      flags: info.flags,
      details: info.details || info.connectionTerminationDetails,
      bytes: 0,
      headers: [],
    },
    routeName: '',
    cluster: info.cluster,
    upstreamHost: info.upstreamHost,
    attempts: info.attempts,
    mtls: peer !== '',
    ...(peer !== '' && { peer }),
    pushVersion: versionInfo,
    steps,
    accessLog,
    ...(handshake !== undefined && { handshakes: { downstream: handshake } }),
  };
}

function readHead(bytes: Buffer): { method: string; path: string; headers: Headers } {
  const lines = bytes.toString('latin1').split('\r\n').slice(0, MAX_HEAD_LINES);
  const request = /^([A-Z][A-Z-]*) (\S+) HTTP\/1\.[01]$/.exec(lines[0] ?? '');
  const headers = new Headers();
  if (request === null) return { method: '', path: '', headers };
  for (const line of lines.slice(1)) {
    if (line === '') break;
    const colon = line.indexOf(':');
    if (colon > 0) headers.add(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { method: request[1]!, path: request[2]!, headers };
}
