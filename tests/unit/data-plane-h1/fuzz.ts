import type { Duplex } from 'node:stream';
import { duplexPair } from 'node:stream';
import fc from 'fast-check';

/** Draws of each property; more of them by hand. */
export const RUNS = Number(process.env['MESHWORK_FUZZ_RUNS'] ?? 150);

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One end of a connection whose other end a parser has. */
export interface Wire {
  readonly near: Duplex;
  readonly far: Duplex;
  /** The parser has closed it. */
  readonly closed: boolean;
  destroy(): void;
}

export function openWire(): Wire {
  const [near, far] = duplexPair();
  let closed = false;
  const over = (): void => {
    closed = true;
  };
  near.on('close', over).on('end', over);
  near.on('error', () => undefined);
  far.on('error', () => undefined);
  near.resume();
  return {
    near,
    far,
    get closed() {
      return closed;
    },
    destroy: () => {
      near.destroy();
      far.destroy();
    },
  };
}

/** Writes `bytes` in the given pieces, and calls `fed` with the number of bytes so far once the parser has had its turn. */
export async function feed(
  wire: Wire,
  bytes: Buffer,
  cuts: readonly number[],
  fed: (at: number) => void = () => undefined,
): Promise<void> {
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut > at && !wire.closed) wire.near.write(bytes.subarray(at, cut));
    at = Math.max(at, cut);
    await turn();
    fed(at);
  }
}

/** Waits until `progress` has stood still for some turns, or the parser has closed. */
export async function settle(wire: Wire, progress: () => number): Promise<void> {
  for (let quiet = 0, count = progress(); quiet < 6 && !wire.closed; quiet++) {
    await turn();
    if (progress() !== count) quiet = 0;
    count = progress();
  }
}

export const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9!#$%&'*+\-.^_`|~]{0,12}$/);
export const value = fc.stringMatching(/^(?:[!-~](?:[ -~\t]{0,30}[!-~])?)?$/);
export const target = fc.stringMatching(/^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]{0,20}$/);
export const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array).toString('latin1'));
const spaces = fc.constantFrom('', ' ', '  ', '\t');

const RESERVED =
  /^(?:host|connection|content-length|transfer-encoding|upgrade|keep-alive|proxy-connection|te|trailer|expect|http2-settings)$/i;
const header = fc
  .tuple(
    token.filter((name) => !RESERVED.test(name)),
    spaces,
    value,
    spaces,
  )
  .map(([name, before, text, after]) => `${name}:${before}${text}${after}\r\n`);

/** Lines of a head that frame nothing. */
export const headers = fc.array(header, { maxLength: 5 }).map((lines) => lines.join(''));

const chunk = fc
  .tuple(bytes, fc.constantFrom('', ';a', ';a=b', ';a="b c"'), fc.boolean())
  .filter(([data]) => data.length > 0)
  .map(([data, extension, upper]) => {
    const size = data.length.toString(16);
    return { data, wire: `${upper ? size.toUpperCase() : `0${size}`}${extension}\r\n${data}\r\n` };
  });

/** A body: the line that frames it, what is sent, and what it holds. */
export interface Body {
  readonly framing: string;
  readonly wire: string;
  readonly data: string;
}

export const sized: fc.Arbitrary<Body> = bytes.map((data) => ({
  framing: `Content-Length: ${data.length}\r\n`,
  wire: data,
  data,
}));

export const chunked: fc.Arbitrary<Body> = fc
  .tuple(fc.array(chunk, { maxLength: 4 }), headers)
  .map(([chunks, trailers]) => ({
    framing: 'Transfer-Encoding: chunked\r\n',
    wire: `${chunks.map((part) => part.wire).join('')}0\r\n${trailers}\r\n`,
    data: chunks.map((part) => part.data).join(''),
  }));

/** Where bytes are cut; `places` makes them fit. */
export const cuts = fc.array(fc.nat(), { maxLength: 8 });

export function places(numbers: readonly number[], length: number): number[] {
  return numbers.map((number) => number % (length + 1)).sort((a, b) => a - b);
}

/** Cuts at each byte; behind the first thousands, of floods and huge heads, in pieces of 61. */
export const everywhere = (wire: Buffer): number[] =>
  Array.from(wire, (_, i) => i).filter((i) => i < 4000 || i % 61 === 0);

/** Damage that attackers do: bytes that parsers disagree about, put in, put over, or taken out. */
export const damage = fc.array(
  fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('insert', 'replace', 'delete'),
    text: fc.constantFrom('\r', '\n', '\r\n', '\0', ' ', '\t', ':', ';', ',', '0', '1', 'a', '\x80', '\x0b', '"', '/'),
  }),
  { minLength: 1, maxLength: 3 },
);

export function injure(text: string, wounds: readonly { at: number; kind: string; text: string }[]): string {
  let injured = text;
  for (const wound of wounds) {
    const at = wound.at % (injured.length + 1);
    const rest = wound.kind === 'insert' ? at : at + 1;
    injured = injured.slice(0, at) + (wound.kind === 'delete' ? '' : wound.text) + injured.slice(rest);
  }
  return injured;
}

/** What llhttp refuses although it is valid, and Envoy takes: a tab behind `chunked` (RFC 9110 §5.6.3), a 1xx answer of HTTP/1.0. */
const STRICTER = /^transfer-encoding:[ \t]*chunked[ \t]*(?=\r\n)|^HTTP\/1\.0(?= 1\d\d[ \r])/gim;

/** The same bytes, as many of them, in the way that llhttp takes them. */
export const forLlhttp = (wire: Buffer): Buffer =>
  Buffer.from(
    wire.toString('latin1').replace(STRICTER, (text) => text.replaceAll('\t', ' ').replace('1.0', '1.1')),
    'latin1',
  );
