/** A flag, then the length of the message. Source: gRPC over HTTP/2, "Length-Prefixed-Message". */
const PREFIX_BYTES = 5;

/** Counts the messages of one direction of a gRPC call, whose bytes may be cut anywhere. */
export class MessageCounter {
  /** Messages that have begun. */
  count = 0;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  /** Bytes of the message that are still to come. */
  #rest = 0;
  readonly #end: number;

  /** `end`: bits of a flag that mark what is no message. */
  constructor(end = 0) {
    this.#end = end;
  }

  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const skipped = Math.min(this.#rest, chunk.length - at);
      this.#rest -= skipped;
      at += skipped;
      if (at < chunk.length) at += this.#readPrefix(chunk, at);
    }
  }

  #readPrefix(chunk: Buffer, at: number): number {
    if (this.#prefixBytes === 0) {
      // As in Envoy, what else has come by then is not looked at.
      if ((chunk[at]! & this.#end) !== 0) return chunk.length - at;
      this.count++;
    }
    const read = chunk.copy(this.#prefix, this.#prefixBytes, at, at + PREFIX_BYTES - this.#prefixBytes);
    this.#prefixBytes += read;
    if (this.#prefixBytes === PREFIX_BYTES) {
      this.#rest = this.#prefix.readUInt32BE(1);
      this.#prefixBytes = 0;
    }
    return read;
  }
}

/** Messages of both directions of a call. */
export interface GrpcMessages {
  readonly requests: MessageCounter;
  readonly responses: MessageCounter;
}

/** A host ends a stream of Connect, whose messages have the same form, by one with this flag. */
const END_OF_STREAM = 0x02;

export const countMessages = (): GrpcMessages => ({
  requests: new MessageCounter(),
  responses: new MessageCounter(END_OF_STREAM),
});
