import { type ResponseFlag, withFlag } from './response-flags.ts';

const NO_FLAGS: readonly ResponseFlag[] = [];

/** The figures of one request while it passes, as Envoy's StreamInfo holds them. */
export class StreamInfo {
  /** Wall time of the request's arrival. */
  readonly startMs: number;
  /** Monotonic time of the request's arrival. */
  readonly startedAt: number;
  status = 0;
  flags: readonly ResponseFlag[] = NO_FLAGS;
  details = '';
  connectionTerminationDetails = '';
  transportFailure = '';
  routeName = '';
  cluster = '';
  upstreamHost = '';
  upstreamLocalAddress = '';
  attempts = 0;
  bytesReceived = 0;
  bytesSent = 0;
  durationMs = 0;
  /** From the trailers of a gRPC answer. */
  grpcStatus: string | undefined;

  constructor(startMs: number, startedAt: number) {
    this.startMs = startMs;
    this.startedAt = startedAt;
  }

  flag(flag: ResponseFlag): void {
    this.flags = withFlag(this.flags, flag);
  }
}
