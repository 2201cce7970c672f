import type { Violation } from './errors.ts';
import type { WholeBlock } from './header-block.ts';
import type { Http2Stream } from './stream.ts';

/**
 * Where a peer broke the rules. `head`: in the head of a new stream, which is lost with the connection; `refused head`: only that stream is
 * lost; `flood`, `resets`: nowhere, there was too much of something; `flooded head`: of that, in the head of a new stream.
 */
export type Offence = 'connection' | 'head' | 'refused head' | 'flood' | 'flooded head' | 'resets';

/** What a session asks and tells its client or server side. */
export interface SessionRole {
  /** HEADERS that open a stream. */
  onOpen(block: WholeBlock, fields: string[]): Violation | undefined;
  /**
   * Whether HEADERS may open this stream; what is wrong when not. `ignore`: a late frame of a stream that is gone. `settled`: the peer knows
   * the settings of this side.
   */
  mayOpen(streamId: number, settled: boolean): Violation | 'open' | 'ignore';
  /** Whether this stream was open once. */
  wasOpen(streamId: number): boolean;
  /** What is wrong with it, if anything is. */
  onGoAway(lastStreamId: number): Violation | undefined;
  onSettings(): void;
  /** A head of a new stream has begun; called again while more of it is to come. */
  onHeadAwaited(streamId: number): void;
  /** It is whole. */
  onHeadWhole(): void;
  onPingAck(payload: Buffer): void;
  onStreamGone(stream: Http2Stream): void;
  /** The peer broke the protocol; streams are not told yet. */
  onViolation(violation: Violation, where: Offence): void;
  /** The connection is over and has no streams. Called once. */
  onGone(): void;
}
