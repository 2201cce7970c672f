import type { BrotliCompress, BrotliDecompress, Gunzip, Gzip, ZstdCompress, ZstdDecompress } from 'node:zlib';
import type { BodyCoder, BodyOut } from '../answer-filters.ts';
import type { Headers } from '../headers.ts';

export type Zip = Gzip | BrotliCompress | ZstdCompress | Gunzip | BrotliDecompress | ZstdDecompress;

export interface ZipOptions {
  /** Names of the figures for bytes that come and go. */
  readonly read: string;
  readonly written: string;
  readonly count: (figure: string, by: number) => void;
  /** Bytes that may come out for each that went in; beyond it the body ends. Absent: any. */
  readonly maxRatio?: number;
  /** The bytes cannot be read, or are too many: what has come out is all. */
  readonly onError?: () => void;
  /** That is an error once more at the end of the body. */
  readonly failsAgain?: boolean;
  /** What the end of the body says, by the bytes that came and went. */
  readonly trailers?: (given: Headers | undefined, read: number, written: number) => Headers | undefined;
}

/** One body on its way through zlib, with both sides' back-pressure. */
export class ZipCoder implements BodyCoder {
  readonly #zip: Zip;
  readonly #options: ZipOptions;
  #trailers: Headers | undefined;
  #over = false;
  /** What follows cannot be read: it is left out. */
  #broken = false;
  #ended = false;
  #read = 0;
  #written = 0;

  constructor(zip: Zip, out: BodyOut, options: ZipOptions) {
    this.#zip = zip;
    this.#options = options;
    zip.on('data', (chunk: Buffer) => {
      if (this.#over || this.#broken) return;
      this.#written += chunk.length;
      if (this.#written > this.#read * (options.maxRatio ?? Number.POSITIVE_INFINITY)) {
        this.#break(out);
        return;
      }
      options.count(options.written, chunk.length);
      if (!out.data(chunk)) zip.pause();
    });
    zip.on('drain', () => out.drain());
    zip.on('end', () => this.#finish(out));
    zip.on('error', () => this.#break(out));
  }

  data(chunk: Buffer): boolean {
    this.#options.count(this.#options.read, chunk.length);
    this.#read += chunk.length;
    if (this.#broken) return true;
    const room = this.#zip.write(chunk);
    // As in Envoy, the other side has all that has been said so far.
    this.#zip.flush();
    return room;
  }

  end(trailers: Headers | undefined): void {
    this.#trailers = trailers;
    this.#ended = true;
    if (this.#broken && this.#options.failsAgain === true) this.#options.onError?.();
    if (this.#broken) this.#onEnd?.();
    else this.#zip.end();
  }

  resume(): void {
    if (this.#zip.isPaused()) this.#zip.resume();
  }

  cancel(): void {
    this.#over = true;
    this.#zip.destroy();
  }

  #onEnd: (() => void) | undefined;

  #break(out: BodyOut): void {
    if (this.#broken || this.#over) return;
    this.#broken = true;
    this.#options.onError?.();
    this.#zip.destroy();
    this.#onEnd = () => this.#finish(out);
    if (this.#ended) this.end(this.#trailers);
    else out.drain();
  }

  #finish(out: BodyOut): void {
    if (this.#over) return;
    this.#over = true;
    const { trailers } = this.#options;
    out.end(trailers === undefined ? this.#trailers : trailers(this.#trailers, this.#read, this.#written));
  }
}
