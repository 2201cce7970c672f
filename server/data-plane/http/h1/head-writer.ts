import type { RequestHead, ResponseHead } from '../codec.ts';
import type { Headers } from '../headers.ts';
import { statusLine } from './status-lines.ts';

/** How the body behind a head is written. */
export type WireFraming = 'none' | 'length' | 'chunked' | 'close' | 'tunnel';

export interface WrittenHead {
  readonly text: string;
  readonly framing: WireFraming;
  /** With framing `length`: bytes that must follow. */
  readonly contentLength: number;
}

/** Requests that usually have no body: without one they carry no Content-Length. */
const BODILESS_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'TRACE', 'CONNECT', 'OPTIONS']);

/** Characters that would end a line or a request target early, or that latin1 cannot carry. */
const UNSAFE_IN_TARGET = /[^\x21-\x7e\x80-\xff]/g;

/** Percent-encodes what must not stand in a request line. Parsed targets pass unchanged; rewritten ones may not. */
export function safeTarget(target: string): string {
  return target.replace(UNSAFE_IN_TARGET, (character) => {
    let encoded = '';
    for (const byte of Buffer.from(character, 'utf8'))
      encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    return encoded;
  });
}

/** Lines of a header list. Content-Length is left out: the framing decides about it. */
function fieldLines(headers: Headers): string {
  const flat = headers.flat;
  let lines = '';
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    if (name === 'content-length' || name === 'transfer-encoding' || name === 'connection') continue;
    lines += `${name}: ${flat[i + 1]!}\r\n`;
  }
  return lines;
}

/** Content-Length as a number; −1 when there is none or when it is not a number. */
function lengthOf(headers: Headers): number {
  const value = headers.get('content-length');
  if (value === undefined || !/^\d{1,15}$/.test(value)) return -1;
  return Number(value);
}

const TUNNEL_LINE = 'connection: Upgrade\r\n';

export function writeRequest(head: RequestHead, endStream: boolean): WrittenHead {
  const connect = head.method === 'CONNECT';
  const tunnel = connect || head.headers.has('upgrade');
  const target = connect ? head.authority : head.path;
  const start = `${head.method} ${safeTarget(target)} HTTP/1.1\r\nhost: ${safeTarget(head.authority)}\r\n${fieldLines(head.headers)}`;
  if (tunnel) return { text: `${start}${connect ? '' : TUNNEL_LINE}\r\n`, framing: 'tunnel', contentLength: 0 };
  const length = lengthOf(head.headers);
  if (endStream) {
    const zero = length === 0 || !BODILESS_METHODS.has(head.method) ? 'content-length: 0\r\n' : '';
    return { text: `${start}${zero}\r\n`, framing: 'none', contentLength: 0 };
  }
  if (length >= 0)
    return { text: `${start}content-length: ${length}\r\n\r\n`, framing: 'length', contentLength: length };
  return { text: `${start}transfer-encoding: chunked\r\n\r\n`, framing: 'chunked', contentLength: 0 };
}

/** The side that a response goes to. */
export interface ResponseTarget {
  readonly method: string;
  readonly http10: boolean;
  /** CONNECT or an Upgrade. */
  readonly tunnel: boolean;
  /** Add `connection: close`. */
  readonly close: boolean;
}

export function writeResponse(head: ResponseHead, endStream: boolean, target: ResponseTarget): WrittenHead {
  const { status } = head;
  const start = statusLine(status, target.http10) + fieldLines(head.headers);
  if (target.tunnel && (status === 101 || (target.method === 'CONNECT' && status >= 200 && status < 300))) {
    return { text: `${start}${status === 101 ? TUNNEL_LINE : ''}\r\n`, framing: 'tunnel', contentLength: 0 };
  }
  const length = lengthOf(head.headers);
  const close = target.close ? 'connection: close\r\n\r\n' : target.http10 ? 'connection: keep-alive\r\n\r\n' : '\r\n';
  if (status < 200 || status === 204) return { text: `${start}${close}`, framing: 'none', contentLength: 0 };
  if (status === 304 || target.method === 'HEAD') {
    const told = length >= 0 ? `content-length: ${length}\r\n` : '';
    return { text: `${start}${told}${close}`, framing: 'none', contentLength: 0 };
  }
  if (endStream) return { text: `${start}content-length: 0\r\n${close}`, framing: 'none', contentLength: 0 };
  if (length >= 0)
    return { text: `${start}content-length: ${length}\r\n${close}`, framing: 'length', contentLength: length };
  if (target.http10) return { text: `${start}connection: close\r\n\r\n`, framing: 'close', contentLength: 0 };
  return { text: `${start}transfer-encoding: chunked\r\n${close}`, framing: 'chunked', contentLength: 0 };
}

/** A 1xx response; it never ends anything. */
export function writeInformational(head: ResponseHead): string {
  return `${statusLine(head.status, false)}${fieldLines(head.headers)}\r\n`;
}
