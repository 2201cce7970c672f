import type { HandshakeRecord } from '#domain';
import type { ByteMeter } from './byte-meter.ts';
import type { UpstreamConnection } from './codec.ts';
import { type ResponseFlag, withFlag } from './response-flags.ts';

const NO_FLAGS: readonly ResponseFlag[] = [];
const NO_HOSTS: readonly string[] = [];
const NO_CONNECTIONS: readonly number[] = [];

/** When what happened, in milliseconds since the stream began. */
export interface StreamTimes {
  requestReceived?: number;
  poolReady?: number;
  requestBegun?: number;
  requestSent?: number;
  responseBegun?: number;
  responseBodyBegun?: number;
  responseReceived?: number;
  answerBegun?: number;
  answerSent?: number;
}

/** The figures of one request while it passes, as Envoy's StreamInfo holds them. */
export class StreamInfo {
  /** Wall time of the request's arrival. */
  readonly startMs: number;
  /** Monotonic time of the request's arrival. */
  readonly startedAt: number;
  status = 0;
  flags: readonly ResponseFlag[] = NO_FLAGS;
  details = '';
  /** Its answer took the place of another: it has details, and they are empty. */
  replaced = false;
  connectionTerminationDetails = '';
  transportFailure = '';
  /** The handshake with the host, where it failed at the last try. */
  brokenHandshake: HandshakeRecord | undefined;
  /** Why the client's handshake failed. */
  downstreamTransportFailure = '';
  routeName = '';
  /** Of the virtual host's groups of requests; empty: it belongs to none. */
  virtualCluster = '';
  cluster = '';
  upstreamHost = '';
  upstreamLocalAddress = '';
  /** Of the connection to the host: `HTTP/1.1`, `HTTP/2`. */
  upstreamProtocol = '';
  /** Hosts of the tries before the last, in their order. */
  hostsTriedBefore: readonly string[] = NO_HOSTS;
  /** The connection to the host of the last try that had one, and the numbers of others that had the tries before. */
  upstreamConnection: UpstreamConnection | undefined;
  connectionsTriedBefore: readonly number[] = NO_CONNECTIONS;
  attempts = 0;
  /** %ACCESS_LOG_TYPE%, where the line is not that of the end. */
  logType = '';
  bytesReceived = 0;
  bytesSent = 0;
  durationMs = 0;
  /** From the trailers of a gRPC answer. */
  grpcStatus: string | undefined;
  /** Of an answer of this proxy, while a format makes its body. */
  localReplyBody = '';
  /** Bytes of both connections; counted only where a log asks for them. */
  downstreamBytes: ByteMeter | undefined;
  upstreamBytes: ByteMeter | undefined;
  /** Kept only where a format asks for durations. */
  times: StreamTimes | undefined;

  constructor(startMs: number, startedAt: number) {
    this.startMs = startMs;
    this.startedAt = startedAt;
  }

  /** A try has its connection. */
  reached(connection: UpstreamConnection | undefined): void {
    const before = this.upstreamConnection?.id;
    this.upstreamConnection = connection;
    if (before === undefined || before === connection?.id || this.connectionsTriedBefore.includes(before)) return;
    this.connectionsTriedBefore = [...this.connectionsTriedBefore, before];
  }

  /** Notes when something happened first; `now` is monotonic. */
  note(what: keyof StreamTimes, now: number): void {
    if (this.times !== undefined) this.times[what] ??= now - this.startedAt;
  }

  /** As in Envoy, times of calls are those of the last try. */
  forgetTry(): void {
    const { requestReceived } = this.times ?? {};
    if (this.times !== undefined) this.times = requestReceived === undefined ? {} : { requestReceived };
  }

  flag(flag: ResponseFlag): void {
    this.flags = withFlag(this.flags, flag);
  }
}
