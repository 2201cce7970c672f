import { ErrorCode, type Violation, violation } from './errors.ts';
import { DEFAULT_WINDOW, MAX_FRAME, MAX_WINDOW, Setting } from './frame.ts';

const ENTRY_BYTES = 6;
const LARGEST_FRAME = 0xff_ffff;

/** What the peer announced in SETTINGS (RFC 9113 §6.5.2). */
export class PeerSettings {
  headerTableBytes = 4096;
  /** Streams that it takes at a time; no limit until it names one. */
  maxConcurrentStreams = Number.POSITIVE_INFINITY;
  initialWindow = DEFAULT_WINDOW;
  maxFrame = MAX_FRAME;
  extendedConnect = false;

  readonly #mayPush: boolean;

  /** `mayPush`: whether the peer may say that it takes pushed answers, which only a client does. */
  constructor(mayPush: boolean) {
    this.#mayPush = mayPush;
  }

  /** Reads a payload, whose length is a multiple of 6. Returns what is wrong with it. */
  read(bytes: Buffer, start: number, end: number): Violation | undefined {
    for (let at = start; at < end; at += ENTRY_BYTES) {
      const failure = this.#take(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
      if (failure) return failure;
    }
    return undefined;
  }

  #take(identifier: number, value: number): Violation | undefined {
    switch (identifier) {
      case Setting.HEADER_TABLE_SIZE:
        this.headerTableBytes = value;
        return undefined;
      case Setting.ENABLE_PUSH:
        return value > (this.#mayPush ? 1 : 0)
          ? wrong('SETTINGS_ENABLE_PUSH has a value that it must not have.')
          : undefined;
      case Setting.MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        return undefined;
      case Setting.INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW)
          return wrong('SETTINGS_INITIAL_WINDOW_SIZE is too large.', ErrorCode.FLOW_CONTROL_ERROR);
        this.initialWindow = value;
        return undefined;
      case Setting.MAX_FRAME_SIZE:
        if (value < MAX_FRAME || value > LARGEST_FRAME) return wrong('SETTINGS_MAX_FRAME_SIZE is out of range.');
        this.maxFrame = value;
        return undefined;
      case Setting.ENABLE_CONNECT_PROTOCOL:
        if (value > 1) return wrong('SETTINGS_ENABLE_CONNECT_PROTOCOL is neither 0 nor 1.');
        this.extendedConnect = value === 1;
        return undefined;
      default:
        // Unknown settings mean nothing to this side (RFC 9113 §6.5.2).
        return undefined;
    }
  }
}

const wrong = (explanation: string, code: ErrorCode = ErrorCode.PROTOCOL_ERROR): Violation =>
  violation(code, explanation, 'http2.invalid_settings');

/** The payload of this side's SETTINGS. */
export function settingsPayload(entries: readonly (readonly [identifier: number, value: number])[]): Buffer {
  const payload = Buffer.allocUnsafe(entries.length * ENTRY_BYTES);
  let at = 0;
  for (const [identifier, value] of entries) {
    at = payload.writeUInt16BE(identifier, at);
    at = payload.writeUInt32BE(value, at);
  }
  return payload;
}
