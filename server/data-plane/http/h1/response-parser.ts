import type { ResponseHead } from '../codec.ts';
import { Headers } from '../headers.ts';
import { CR, IS_VALUE, LF, SLASH, SPACE, textOf } from './bytes.ts';
import type { Failure } from './failures.ts';
import { FAILURES } from './failures.ts';
import type { FieldParser } from './field-parser.ts';

/** How a response body ends (RFC 9112 §6.3). */
export type ResponseFraming = 'none' | 'length' | 'chunked' | 'close' | 'tunnel';

export interface ParsedResponse {
  readonly head: ResponseHead;
  readonly framing: ResponseFraming;
  /** With framing `length`; above 0. */
  readonly contentLength: number;
  /** The connection may carry another request. */
  readonly persistent: boolean;
}

/** Of the request that the response answers. */
export interface ResponseContext {
  readonly method: string;
  /** The request asked to leave HTTP (Upgrade); only then is 101 an answer. */
  readonly upgrade: boolean;
}

const VERSION = Buffer.from('HTTP/1.', 'latin1');

/** Whether an answer can begin so. Bytes that are no HTTP/1.x at all may have no end to wait for. */
export function beginsAnswer(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, VERSION.length);
  return bytes.compare(VERSION, 0, length, 0, length) === 0;
}

/** Reads a response head that lies in `bytes` from `start` to `end`, just behind its empty line. */
export function parseResponse(
  bytes: Buffer,
  start: number,
  end: number,
  fields: FieldParser,
  context: ResponseContext,
): ParsedResponse | Failure {
  const minor = bytes[start + 7]! - 0x30;
  const status = statusAt(bytes, start);
  if (status < 0 || (minor !== 0 && minor !== 1)) return FAILURES.statusLine;
  let i = start + 12;
  while (IS_VALUE[bytes[i]!] === 1) i++;
  if (bytes[i] !== CR || bytes[i + 1] !== LF) return FAILURES.statusLine;
  const failure = fields.read(bytes, i + 2, end, textOf(bytes, start, end), start);
  if (failure) return failure;
  return assemble(status, minor, fields, context);
}

/** Status of `HTTP/1.x NNN` followed by a space or the line's end; −1 when something else stands there. */
function statusAt(bytes: Uint8Array, at: number): number {
  const prefix =
    bytes[at] === 0x48 &&
    bytes[at + 1] === 0x54 &&
    bytes[at + 2] === 0x54 &&
    bytes[at + 3] === 0x50 &&
    bytes[at + 4] === SLASH &&
    bytes[at + 5] === 0x31 &&
    bytes[at + 6] === 0x2e &&
    bytes[at + 8] === SPACE;
  const a = bytes[at + 9]! - 0x30;
  const b = bytes[at + 10]! - 0x30;
  const c = bytes[at + 11]! - 0x30;
  const follows = bytes[at + 12];
  const good =
    prefix && a >= 1 && a <= 9 && b >= 0 && b <= 9 && c >= 0 && c <= 9 && (follows === SPACE || follows === CR);
  return good ? a * 100 + b * 10 + c : -1;
}

function assemble(
  status: number,
  minor: number,
  fields: FieldParser,
  context: ResponseContext,
): ParsedResponse | Failure {
  const bodiless = status < 200 || status === 204;
  if (fields.chunked && (bodiless || minor === 0)) return FAILURES.encodingNotAllowed;
  if (bodiless && fields.contentLength > 0) return FAILURES.lengthNotAllowed;
  const headers = new Headers(fields.flat);
  headers.spelling = fields.spelling;
  if (bodiless && fields.contentLength === 0) headers.remove('content-length');
  if (status === 101 && (!context.upgrade || fields.upgrade === '')) return FAILURES.statusLine;
  if (status === 101) headers.flat.push('upgrade', fields.upgrade);
  return {
    head: { status, headers },
    framing: framingOf(status, bodiless, fields, context),
    contentLength: fields.contentLength,
    persistent: minor === 1 ? !fields.close : fields.keepAlive && !fields.close,
  };
}

function framingOf(status: number, bodiless: boolean, fields: FieldParser, context: ResponseContext): ResponseFraming {
  if (status === 101 || (context.method === 'CONNECT' && status >= 200 && status < 300)) return 'tunnel';
  if (bodiless || status === 304 || context.method === 'HEAD') return 'none';
  if (fields.chunked) return 'chunked';
  if (fields.contentLength >= 0) return fields.contentLength === 0 ? 'none' : 'length';
  return 'close';
}
