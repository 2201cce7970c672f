import type { HandshakeRecord } from '#domain';
import type { ByteMeter } from './byte-meter.ts';
import type { UpstreamConnection } from './codec.ts';
import { type ResponseFlag, withFlag } from './response-flags.ts';

const NO_FLAGS: readonly ResponseFlag[] = [];
const NO_HOSTS: readonly string[] = [];

/** When what happened, in milliseconds since the stream began. */
export interface StreamTimes {
  requestReceived?: number;
  /** How many microseconds it took to look for routes. */
  routeResolution?: number;
  poolReady?: number;
  requestBegun?: number;
  requestSent?: number;
  responseBegun?: number;
  responseBodyBegun?: number;
  responseReceived?: number;
  answerBegun?: number;
  answerSent?: number;
}

/** How a connection was found to have ended: in order, by a reset of the other end, or by one of this proxy's own. */
export type CloseType = 'Normal' | 'RemoteReset' | 'LocalReset';

/** How a client's connection ended, and the one to a host that it was joined to. */
export interface ConnectionEnding {
  downstream: CloseType;
  /** Absent: there is none that belongs to it. */
  upstream?: CloseType;
  /** Why this proxy has closed them; empty: it did not, or needs no reason. */
  downstreamReason: string;
  upstreamReason: string;
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
  /** The connection to the host of the last try, once it stands. */
  upstreamConnection: UpstreamConnection | undefined;
  /** How often a route was looked for. */
  routeResolutions = 0;
  /** Of connections; of requests nobody keeps it. */
  ending: ConnectionEnding | undefined;
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

  /** This proxy closes the connection. The first reason stays. */
  closes(downstream: string, upstream = ''): void {
    this.ending ??= { downstream: 'Normal', downstreamReason: '', upstreamReason: '' };
    this.ending.downstreamReason ||= downstream;
    this.ending.upstreamReason ||= upstream;
  }

  /** Notes when something happened first; `now` is monotonic. */
  note(what: keyof StreamTimes, now: number): void {
    if (this.times !== undefined) this.times[what] ??= now - this.startedAt;
  }

  /** As in Envoy, the connection and the times of calls are those of the last try. */
  forgetTry(): void {
    this.upstreamConnection = undefined;
    this.upstreamLocalAddress = '';
    if (this.times === undefined) return;
    const { requestReceived, routeResolution } = this.times;
    this.times = {
      ...(requestReceived !== undefined && { requestReceived }),
      ...(routeResolution !== undefined && { routeResolution }),
    };
  }

  flag(flag: ResponseFlag): void {
    this.flags = withFlag(this.flags, flag);
  }
}
