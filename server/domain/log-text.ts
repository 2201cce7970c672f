/** A line of a log as UTF-8 bytes, good until whoever hands it over writes the next one. */
export interface LogBytes {
  /** Its first `length` bytes are the line, without a newline in it or behind it. */
  readonly bytes: Buffer;
  readonly length: number;
  toString(): string;
}

/** A line of a log. */
export type LogText = string | LogBytes;
