/** Error codes of RFC 9113 §7. */
export const ErrorCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
} as const;

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** What a peer did wrong, with Envoy's response code details and a sentence for the learner. */
export interface Violation {
  readonly code: ErrorCode;
  readonly details: string;
  /** Details of other streams that are lost with the connection. */
  readonly others: string;
  readonly explanation: string;
}

const RULE = 'http2.violation.of.messaging.rule';
const FIELD = 'http2.invalid.header.field';
/** What Envoy's library says of a connection on which something was refused. */
const CALLBACK = 'codec_error:The_user_callback_function_failed';

export const violation = (code: ErrorCode, explanation: string, details: string = RULE): Violation => ({
  code,
  details,
  others: details.startsWith('http2.') ? CALLBACK : details,
  explanation,
});

/** A message that breaks the rules of HTTP; its stream is reset, the connection goes on (RFC 9113 §8.1.1). */
export const malformed = (explanation: string): Violation => violation(ErrorCode.PROTOCOL_ERROR, explanation);

/** A header that has no place in such a message. */
export const invalidField = (explanation: string): Violation => violation(ErrorCode.PROTOCOL_ERROR, explanation, FIELD);

/** Of two GOAWAY frames the second one names a later stream (RFC 9113 §6.8). */
export const takenUpAgain = (): Violation =>
  violation(ErrorCode.PROTOCOL_ERROR, 'GOAWAY takes up streams that an earlier one has refused.');

/** The peer keeps this side busy to no purpose; `details` in Envoy's words. */
export const flood = (what: string, details: string): Violation =>
  violation(ErrorCode.ENHANCE_YOUR_CALM, `The peer sends too many ${what}.`, details);

/** Frames without a byte that end nothing, one behind the other. */
export const emptyFlood = (): Violation => ({
  ...flood('empty frames', 'http2.inbound_empty_frames_flood'),
  others: 'codec_error:Too_many_consecutive_frames_with_an_empty_payload',
});

/** Envoy has no words of its own for it. */
const UNKNOWN = 'http2.unknown.nghttp2.error';

/** A window was not obeyed, or grows beyond what one may be. */
export const overrun = (): Violation =>
  violation(ErrorCode.FLOW_CONTROL_ERROR, 'More bytes were sent than the windows allow.', UNKNOWN);

/** `what`: the frame. */
export const neverOpened = (what: string): Violation =>
  violation(ErrorCode.PROTOCOL_ERROR, `${what} for a stream that was never opened.`);

/** HEADERS behind the end of what the peer has to say on a stream. */
export const endedStream = (): Violation => ({
  ...violation(ErrorCode.STREAM_CLOSED, 'HEADERS for a stream that has ended.', UNKNOWN),
  others: CALLBACK,
});

/** The client knows how many it may open. */
export const tooManyStreams = (): Violation =>
  violation(ErrorCode.PROTOCOL_ERROR, 'More streams are opened than this side allows.');

/** More SETTINGS are acknowledged than this side has sent. */
export const takenTwice = (): Violation =>
  violation(ErrorCode.PROTOCOL_ERROR, 'SETTINGS are acknowledged that were never sent.');

/** A window update of nothing (RFC 9113 §6.9). */
export const noIncrement = (): Violation => violation(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE adds nothing.');

/** The same for a stream. */
export const streamNotGrown = (): Violation => ({ ...noIncrement(), details: UNKNOWN });
