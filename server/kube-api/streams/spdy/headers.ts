import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { HEADER_DICTIONARY } from './dictionary.ts';

/** Header blocks of one direction are one compressed stream: they must be read and written in order. */
export class HeaderCodec {
  readonly #inflate: Inflate = createInflate({ dictionary: HEADER_DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH });
  readonly #deflate: Deflate = createDeflate({ dictionary: HEADER_DICTIONARY, flush: constants.Z_SYNC_FLUSH });

  async decode(block: Buffer): Promise<ReadonlyMap<string, string>> {
    return parseHeaders(await through(this.#inflate, block));
  }

  encode(headers: ReadonlyMap<string, string>): Promise<Buffer> {
    return through(this.#deflate, formatHeaders(headers));
  }

  close(): void {
    this.#inflate.destroy();
    this.#deflate.destroy();
  }
}

/** Longer header blocks come from nobody who means well. */
const MAX_BLOCK_BYTES = 64 * 1024;

function through(codec: Inflate | Deflate, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const output: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= MAX_BLOCK_BYTES) output.push(chunk);
    };
    codec.on('data', take);
    codec.once('error', reject);
    codec.write(input, () => {
      codec.off('data', take);
      codec.off('error', reject);
      if (bytes > MAX_BLOCK_BYTES) reject(new Error('a SPDY header block is too long'));
      else resolve(Buffer.concat(output));
    });
  });
}

function parseHeaders(block: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  let at = 4;
  const text = (): string => {
    const length = block.readUInt32BE(at);
    at += 4 + length;
    return block.toString('latin1', at - length, at);
  };
  const count = block.readUInt32BE(0);
  for (let index = 0; index < count && at < block.length; index++) headers.set(text(), text());
  return headers;
}

function formatHeaders(headers: ReadonlyMap<string, string>): Buffer {
  const parts: Buffer[] = [];
  const number = (value: number): void => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    parts.push(bytes);
  };
  number(headers.size);
  for (const text of [...headers].flat()) {
    number(Buffer.byteLength(text, 'latin1'));
    parts.push(Buffer.from(text, 'latin1'));
  }
  return Buffer.concat(parts);
}
