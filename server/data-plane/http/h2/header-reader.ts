import { ErrorCode, invalidField, type Violation, violation } from './errors.ts';
import type { FrameHead } from './frame-reader.ts';
import { HeaderBlock, type WholeBlock } from './header-block.ts';
import { HpackDecoder } from './hpack-decoder.ts';

/** SETTINGS_HEADER_TABLE_SIZE of this side: the default. */
const TABLE_BYTES = 4096;

/** A header list as it was read. */
export interface ReadFields {
  readonly block: WholeBlock;
  readonly fields: string[];
  /** What is wrong with the message; the connection could go on. */
  readonly problem: Violation | undefined;
}

/** Turns HEADERS and CONTINUATION frames into header lists. */
export class HeaderReader {
  readonly #block = new HeaderBlock();
  readonly #decoder: HpackDecoder;

  constructor(limits: { readonly maxHeadBytes: number; readonly maxHeaders: number }) {
    this.#decoder = new HpackDecoder({
      maxListBytes: limits.maxHeadBytes,
      maxFields: limits.maxHeaders,
      maxTableBytes: TABLE_BYTES,
    });
  }

  /** A block has begun and its CONTINUATION must come next. */
  get open(): boolean {
    return this.#block.open;
  }

  /** The header list that this frame completes, undefined while more is to come, or why the connection cannot go on. */
  take(head: FrameHead, bytes: Buffer, start: number, end: number): ReadFields | undefined | Violation {
    const block = this.#block.take(head, bytes, start, end);
    if (block === undefined || 'code' in block) return block;
    if (!this.#decoder.decode(block.bytes, block.start, block.end)) {
      const explanation = 'A header block does not follow the rules of HPACK.';
      // As Envoy words it: its HPACK decoder is a callback.
      return violation(ErrorCode.COMPRESSION_ERROR, explanation, 'codec_error:The_user_callback_function_failed');
    }
    if (block.selfDependent) return violation(ErrorCode.PROTOCOL_ERROR, 'A stream depends on itself.');
    return { block, fields: this.#decoder.fields, problem: this.#problem() };
  }

  #problem(): Violation | undefined {
    if (this.#decoder.malformed) return invalidField('A header holds characters that HTTP forbids.');
    if (this.#decoder.tooMany) {
      return violation(ErrorCode.INTERNAL_ERROR, 'There are too many headers.', 'http2.too_many_headers');
    }
    if (this.#decoder.tooLarge) {
      return violation(ErrorCode.INTERNAL_ERROR, 'The header list is too long.', 'http2.header_list_size_too_large');
    }
    return undefined;
  }
}
