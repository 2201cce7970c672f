const LF = 0x0a;
const LINE_END = 2;
/** What a line that is read adds to its name and value. */
const PER_LINE_READ = 3;

/**
 * The bytes of one exchange of messages on one connection, or of all tries of one on theirs. Source: BytesMeter of Envoy, and what its codecs tell it:
 * neither first lines nor the empty one count among headers.
 */
export class ByteMeter {
  /** With framing, heads and trailers. */
  wireReceived = 0;
  wireSent = 0;
  /** Of headers, as they are on the wire. */
  headerReceived = 0;
  headerSent = 0;
  /** HTTP/2: names and values as they are without compression; else as on the wire. */
  plainReceived = 0;
  plainSent = 0;

  /** The lines of a head of HTTP/1.1 that stands in `bytes` from `start` to `end`; white space around values does not count. */
  receivedHead(bytes: Buffer, start: number, end: number): void {
    let headers = 0;
    let at = bytes.indexOf(LF, start) + 1;
    while (at < end - LINE_END) {
      const next = bytes.indexOf(LF, at) + 1;
      const line = bytes.toString('latin1', at, next);
      const colon = line.indexOf(':');
      headers += colon + line.slice(colon + 1).trim().length + PER_LINE_READ;
      at = next;
    }
    this.headerReceived += headers;
    this.plainReceived += headers;
  }

  /** Those of a head that is written. */
  sentHead(text: string): void {
    const headers = text.length - text.indexOf('\r\n') - 2 * LINE_END;
    this.headerSent += headers;
    this.plainSent += headers;
  }

  /** A header block of HTTP/2 in so many bytes, and without compression. */
  receivedBlock(wireBytes: number, plainBytes: number): void {
    this.wireReceived += wireBytes;
    this.headerReceived += wireBytes;
    this.plainReceived += plainBytes;
  }

  sentBlock(wireBytes: number, ...lists: readonly (readonly string[])[]): void {
    this.wireSent += wireBytes;
    this.headerSent += wireBytes;
    for (const fields of lists) this.plainSent += lengthOf(fields);
  }
}

/** Of names and values. */
export const lengthOf = (fields: readonly string[]): number => fields.reduce((sum, { length }) => sum + length, 0);
