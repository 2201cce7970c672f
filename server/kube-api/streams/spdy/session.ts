import { Duplex } from 'node:stream';
import { controlFrame, dataFrame, type Frame, FrameReader, FrameType, words } from './frames.ts';
import { HeaderCodec } from './headers.ts';

const MAX_DATA_BYTES = 32 * 1024;
const MAX_STREAMS = 1000;
/** RST_STREAM: the stream is ended without a reason. */
const CANCEL = 5;

/** One stream of a SPDY session: bytes both ways, each side ends on its own. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly #send: (frame: Buffer, done: () => void) => void;

  constructor(id: number, headers: ReadonlyMap<string, string>, send: (frame: Buffer, done: () => void) => void) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.headers = headers;
    this.#send = send;
  }

  /** Bytes from the client; `fin` is its last word. */
  receive(data: Buffer, fin: boolean): void {
    if (data.length > 0) this.push(data);
    if (fin) this.push(null);
  }

  override _read(): void {
    // Frames come when the client sends them.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    const pieces = Math.max(1, Math.ceil(chunk.length / MAX_DATA_BYTES));
    for (let index = 0; index < pieces; index++) {
      const piece = chunk.subarray(index * MAX_DATA_BYTES, (index + 1) * MAX_DATA_BYTES);
      this.#send(dataFrame(this.id, piece, false), index === pieces - 1 ? callback : () => undefined);
    }
  }

  override _final(callback: () => void): void {
    this.#send(dataFrame(this.id, Buffer.alloc(0), true), callback);
  }
}

/**
 * The server's side of SPDY/3.1 over any connection, as far as Kubernetes' clients use it: they open streams, we answer. Unlike the
 * protocol asks, windows are not counted: those clients do not count them either.
 */
export class SpdySession {
  readonly #connection: Duplex;
  readonly #onStream: (stream: SpdyStream) => void;
  readonly #reader = new FrameReader();
  readonly #codec = new HeaderCodec();
  readonly #streams = new Map<number, SpdyStream>();

  constructor(connection: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#connection = connection;
    this.#onStream = onStream;
  }

  /** Serves until the connection ends. Never rejects: a broken session is a closed one. */
  async run(): Promise<void> {
    try {
      for await (const chunk of this.#connection as AsyncIterable<Buffer>) {
        for (const frame of this.#reader.push(chunk)) await this.#handle(frame);
      }
    } catch {
      // The client broke the connection or the protocol; either way its streams end below.
    } finally {
      for (const stream of this.#streams.values()) stream.destroy();
      this.#codec.close();
      this.#connection.destroy();
    }
  }

  /** Tells the client that nothing more comes, and closes. */
  close(): void {
    if (!this.#connection.writable) return;
    this.#connection.end(controlFrame(FrameType.goAway, words(Math.max(0, ...this.#streams.keys()), 0)));
  }

  #send(frame: Buffer, done: () => void): void {
    if (this.#connection.writable) this.#connection.write(frame, done);
    else done();
  }

  async #handle(frame: Frame): Promise<void> {
    if (frame.kind === 'data') {
      this.#streams.get(frame.streamId)?.receive(frame.data, frame.fin);
      return;
    }
    if (frame.type === FrameType.synStream) await this.#open(frame.payload, frame.fin);
    else if (frame.type === FrameType.ping) this.#send(controlFrame(FrameType.ping, frame.payload), () => undefined);
    else if (frame.type === FrameType.rstStream) this.#reset(frame.payload.readUInt32BE(0));
    else if (frame.type === FrameType.goAway) this.#connection.end();
  }

  async #open(payload: Buffer, fin: boolean): Promise<void> {
    const id = payload.readUInt32BE(0) & 0x7fffffff;
    const headers = await this.#codec.decode(payload.subarray(10));
    if (this.#streams.size >= MAX_STREAMS) {
      this.#send(controlFrame(FrameType.rstStream, words(id, CANCEL)), () => undefined);
      return;
    }
    const stream = new SpdyStream(id, headers, (frame, done) => this.#send(frame, done));
    // Errors of a stream are those of its connection, which ends it.
    stream.on('error', () => undefined);
    stream.on('close', () => this.#streams.delete(id));
    this.#streams.set(id, stream);
    const block = await this.#codec.encode(new Map());
    this.#send(controlFrame(FrameType.synReply, Buffer.concat([words(id), block])), () => undefined);
    if (fin) stream.receive(Buffer.alloc(0), true);
    this.#onStream(stream);
  }

  #reset(id: number): void {
    this.#streams.get(id)?.destroy();
  }
}
