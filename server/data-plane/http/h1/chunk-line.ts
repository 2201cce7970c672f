import { CR, HEX_VALUE, IS_VALUE, LF, LOWER_TOKEN, SEMICOLON } from './bytes.ts';
import type { Failure } from './failures.ts';
import { FAILURES } from './failures.ts';

const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MAX_EXTENSION_BYTES = 16 * 1024;
/** Hexadecimal digits of a chunk size, so that sizes stay below 2^53. */
const MAX_SIZE_DIGITS = 13;

type Step =
  | 'size'
  | 'name-start'
  | 'name'
  | 'value-start'
  | 'value'
  | 'quoted'
  | 'escaped'
  | 'quoted-end'
  | 'line-feed';

/** Where an extension may stop and the line end, or the next extension begin. */
const MAY_END: ReadonlySet<Step> = new Set<Step>(['name', 'value', 'quoted-end']);

/**
 * The line before a chunk's data: its size and extensions, byte by byte (RFC 9112 §7.1). Extensions are checked and dropped. As llhttp,
 * no white space is taken anywhere, because parsers disagree about it.
 */
export class ChunkLine {
  size = 0;
  failure: Failure | undefined = undefined;

  #step: Step = 'size';
  #digits = 0;
  /** Over all chunks of one body. */
  #extensionBytes = 0;

  beginBody(): void {
    this.#extensionBytes = 0;
    this.beginLine();
  }

  beginLine(): void {
    this.size = 0;
    this.failure = undefined;
    this.#digits = 0;
    this.#step = 'size';
  }

  /** Takes the next byte; true when the line is complete. */
  feed(byte: number): boolean {
    if (this.#step === 'size') {
      this.#feedSize(byte);
      return false;
    }
    if (this.#step === 'line-feed') {
      if (byte !== LF) this.failure = FAILURES.chunkSize;
      return byte === LF;
    }
    if (++this.#extensionBytes > MAX_EXTENSION_BYTES) this.failure = FAILURES.chunkExtension;
    const next = byte === CR && MAY_END.has(this.#step) ? 'line-feed' : nextStep(this.#step, byte);
    if (next === undefined) this.failure = FAILURES.chunkExtension;
    else this.#step = next;
    return false;
  }

  #feedSize(byte: number): void {
    const digit = HEX_VALUE[byte]!;
    if (digit < 16 && ++this.#digits <= MAX_SIZE_DIGITS) this.size = this.size * 16 + digit;
    else if (this.#digits === 0 || digit < 16) this.failure = FAILURES.chunkSize;
    else if (byte === CR) this.#step = 'line-feed';
    else if (byte === SEMICOLON) this.#step = 'name-start';
    else this.failure = FAILURES.chunkSize;
  }
}

/** The step behind `byte` inside an extension; undefined when it must not stand there. */
function nextStep(step: Step, byte: number): Step | undefined {
  if (step === 'escaped') return IS_VALUE[byte] === 1 ? 'quoted' : undefined;
  if (step === 'quoted') {
    if (byte === QUOTE) return 'quoted-end';
    if (byte === BACKSLASH) return 'escaped';
    return IS_VALUE[byte] === 1 ? 'quoted' : undefined;
  }
  if (byte === SEMICOLON && MAY_END.has(step)) return 'name-start';
  if (byte === EQUALS && step === 'name') return 'value-start';
  if (byte === QUOTE && step === 'value-start') return 'quoted';
  if (step === 'quoted-end' || LOWER_TOKEN[byte] === 0) return undefined;
  return step === 'name-start' || step === 'name' ? 'name' : 'value';
}
