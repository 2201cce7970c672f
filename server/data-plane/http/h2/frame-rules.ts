import { ErrorCode, type Violation, violation } from './errors.ts';
import { Flag, FrameType } from './frame.ts';
import type { FrameHead } from './frame-reader.ts';

/** Payload lengths that RFC 9113 §6 fixes. */
const FIXED_LENGTHS: Readonly<Record<number, number>> = {
  [FrameType.PRIORITY]: 5,
  [FrameType.RST_STREAM]: 4,
  [FrameType.PING]: 8,
  [FrameType.WINDOW_UPDATE]: 4,
};

const OF_CONNECTION: ReadonlySet<number> = new Set([FrameType.SETTINGS, FrameType.PING, FrameType.GOAWAY]);
const OF_STREAM: ReadonlySet<number> = new Set([
  FrameType.HEADERS,
  FrameType.PRIORITY,
  FrameType.RST_STREAM,
  FrameType.CONTINUATION,
]);
const SETTINGS_ENTRY = 6;
const GOAWAY_MINIMUM = 8;

/** What is wrong with the shape of a frame, whatever the state of the connection. */
export function frameProblem({ type, flags, streamId, length }: FrameHead): Violation | undefined {
  if (type === FrameType.HEADERS && streamId !== 0) return undefined;
  if (OF_CONNECTION.has(type) && streamId !== 0) return wrongStream('A frame of the connection names a stream.');
  if (OF_STREAM.has(type) && streamId === 0) return wrongStream('A frame of a stream names none.');
  if (type === FrameType.PUSH_PROMISE) return wrongStream('Nobody asked for PUSH_PROMISE.');
  const fixed = FIXED_LENGTHS[type];
  if (fixed !== undefined && length !== fixed) return wrongSize();
  if (type === FrameType.GOAWAY && length < GOAWAY_MINIMUM) return wrongSize();
  if (type !== FrameType.SETTINGS) return undefined;
  const ack = (flags & Flag.ACK) !== 0;
  return (ack && length > 0) || length % SETTINGS_ENTRY !== 0 ? wrongSize() : undefined;
}

const wrongStream = (explanation: string): Violation => violation(ErrorCode.PROTOCOL_ERROR, explanation);
const wrongSize = (): Violation =>
  violation(ErrorCode.FRAME_SIZE_ERROR, 'A frame has a length that its type does not allow.', 'http2.frame_size');
