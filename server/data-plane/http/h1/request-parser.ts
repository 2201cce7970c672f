import type { RequestHead } from '../codec.ts';
import { Headers } from '../headers.ts';
import { HOST_AND_PORT, isAuthority, isHost } from '../target.ts';
import { CR, IS_TARGET, LF, SLASH, SPACE, TAB, textOf } from './bytes.ts';
import type { Failure } from './failures.ts';
import { FAILURES, REFUSALS } from './failures.ts';
import type { FieldParser } from './field-parser.ts';

/** The methods that Envoy's parser knows (Envoy: BalsaParser, isMethodValid). */
const METHODS: ReadonlySet<string> = new Set(
  (
    'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND ' +
    'UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE MSEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE MKCALENDAR LINK UNLINK SOURCE QUERY'
  ).split(' '),
);

/** Characters of a token (RFC 9110 §5.6.2). */
const TOKEN_CHARACTER = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;
const MAX_METHOD = 12;
const DELETE = 0x7f;
const ABSOLUTE_FORM = /^(https?):\/\/([^/?#]+)(.*)$/i;
const NO_HOST = /^(?:\*|https?:\/\/)/i;
const OTHER_SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;
/** The host of a URL, with a port or without; an address of IPv6 stands in brackets. */
const URL_HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[^:[\]]*)(?::(\d*))?$/;
const MAX_PORT = 65_535;
const OTHER_VERSION = /HTTP\/\d\.\d\r\n/y;

/** What the connection does with a request; the fields of the head are in `head`. */
export interface ParsedRequest {
  readonly head: RequestHead;
  /** Keep the connection after the response. */
  readonly persistent: boolean;
  /** −1: no Content-Length. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** CONNECT, or an Upgrade: what follows the head is a stream of bytes. */
  readonly tunnel: boolean;
}

export interface RequestRules {
  readonly scheme: 'http' | 'https';
  readonly acceptHttp10: boolean;
  /** URLs in request lines are handed on as they are. */
  readonly refusesUrls: boolean;
  /** The host of requests of HTTP/1.0 that name none. */
  readonly defaultHost?: string | undefined;
}

/** Whether a method can begin so. Bytes that are no HTTP at all, a ClientHello for instance, may have no end to wait for. */
export const beginsMethod = (bytes: Buffer): boolean =>
  bytes.length === 0 || TOKEN_CHARACTER.test(String.fromCharCode(bytes[0]!));

/**
 * Reads a request head (RFC 9112 §3 and §5) that lies in `bytes` from `start` to `end`, just behind its empty line. Strict: what two
 * parsers could read differently is refused.
 */
export function parseRequest(
  bytes: Buffer,
  start: number,
  end: number,
  fields: FieldParser,
  rules: RequestRules,
): ParsedRequest | Failure {
  const text = textOf(bytes, start, end);
  const methodEnd = text.indexOf(' ');
  if (methodEnd <= 0 || methodEnd > MAX_METHOD) return FAILURES.requestLine;
  const method = text.startsWith('GET ') ? 'GET' : text.slice(0, methodEnd);
  if (method !== 'GET' && !METHODS.has(method)) return method.includes('\0') ? FAILURES.control : FAILURES.method;
  let i = start + methodEnd + 1;
  while (IS_TARGET[bytes[i]!] === 1) i++;
  const target = text.slice(methodEnd + 1, i - start);
  if (target.length === 0 || bytes[i] !== SPACE) return refusedLine(bytes, i, rules);
  const minor = httpMinor(bytes, i + 1);
  if (minor < 0)
    return isOtherVersion(text, i + 1 - start) && !rules.acceptHttp10 ? FAILURES.lowVersion : FAILURES.version;
  if (minor === 0 && !rules.acceptHttp10) return FAILURES.lowVersion;
  const failure = fields.read(bytes, i + 11, end, text, start);
  // As in Envoy, which has judged the line by then.
  if (failure === FAILURES.transferEncoding) return failureOfTarget(method, target, rules) ?? failure;
  if (failure) return failure;
  return assemble(method, target, minor, fields, rules);
}

function failureOfTarget(method: string, target: string, rules: RequestRules): Failure | undefined {
  const line = { method, path: target, authority: '', scheme: rules.scheme, protocol: 'HTTP/1.1' as const };
  return resolveTarget({ ...line, headers: new Headers([]) }, true, rules);
}

/** Envoy tells control characters, for which the byte `at` is no white space, and lines that end without a version from those of another form. */
function refusedLine(bytes: Uint8Array, at: number, { acceptHttp10 }: RequestRules): Failure {
  const byte = bytes[at];
  if (byte === CR && bytes[at + 1] === LF && !acceptHttp10) return FAILURES.lowVersion;
  const control = byte !== undefined && (byte < TAB || (byte > CR && byte < SPACE) || byte === DELETE);
  return control ? FAILURES.control : FAILURES.requestLine;
}

/** A version of HTTP that is neither 1.0 nor 1.1, and nothing behind it. */
function isOtherVersion(text: string, at: number): boolean {
  OTHER_VERSION.lastIndex = at;
  return OTHER_VERSION.test(text);
}

/** Minor version of `HTTP/1.x CR LF` at `at`; −1 when something else stands there. */
function httpMinor(bytes: Uint8Array, at: number): number {
  const good =
    bytes[at] === 0x48 &&
    bytes[at + 1] === 0x54 &&
    bytes[at + 2] === 0x54 &&
    bytes[at + 3] === 0x50 &&
    bytes[at + 4] === SLASH &&
    bytes[at + 5] === 0x31 &&
    bytes[at + 6] === 0x2e &&
    bytes[at + 8] === CR &&
    bytes[at + 9] === LF;
  const minor = bytes[at + 7]! - 0x30;
  return good && (minor === 0 || minor === 1) ? minor : -1;
}

function assemble(
  method: string,
  target: string,
  minor: number,
  fields: FieldParser,
  rules: RequestRules,
): ParsedRequest | Failure {
  const standIn = minor === 0 ? rules.defaultHost : undefined;
  const head: RequestHead = {
    method,
    path: target,
    authority: fields.host ?? standIn ?? '',
    scheme: rules.scheme,
    protocol: minor === 1 ? 'HTTP/1.1' : 'HTTP/1.0',
    headers: new Headers(fields.flat),
  };
  head.headers.spelling = fields.spelling;
  const connect = method === 'CONNECT';
  const failure =
    framingFailure(connect, minor, fields) ?? resolveTarget(head, (fields.host ?? standIn) !== undefined, rules);
  if (failure) return failure;
  if (method === 'QUERY' && !head.headers.has('content-type')) head.refusal ??= REFUSALS.queryWithoutType;
  if (!isHost(head.authority)) return FAILURES.authority;
  const upgrade = minor === 1 && fields.upgrade !== '';
  if (upgrade) head.headers.flat.push('upgrade', fields.upgrade);
  return {
    head,
    persistent: minor === 1 ? !fields.close : fields.keepAlive && !fields.close,
    contentLength: fields.contentLength,
    chunked: fields.chunked,
    tunnel: connect || upgrade,
  };
}

function framingFailure(connect: boolean, minor: number, fields: FieldParser): Failure | undefined {
  if (fields.chunked && minor === 0) return FAILURES.encodingNotAllowed;
  if (connect && fields.chunked) return FAILURES.transferEncoding;
  if (connect && fields.contentLength > 0) return FAILURES.connectBody;
  return undefined;
}

/** Why a target is neither a path nor a URL, as Envoy tells it. */
function targetFailure(target: string): Failure {
  if (NO_HOST.test(target)) return FAILURES.url;
  return OTHER_SCHEME.test(target) ? FAILURES.scheme : FAILURES.target;
}

/** Whether it stands for what is asked and no host: a path, or, as in Envoy, whatever begins with a star after OPTIONS. */
const isPath = (target: string, method: string): boolean =>
  target.charCodeAt(0) === SLASH || (target.startsWith('*') && method === 'OPTIONS');

/** Splits the request target (RFC 9112 §3.2), which is the path of `head` so far, into path and authority; an absolute form overrules Host. */
export function resolveTarget(head: RequestHead, hasHost: boolean, rules: RequestRules): Failure | undefined {
  const target = head.path;
  if (head.method === 'CONNECT') {
    if (!HOST_AND_PORT.test(target)) return FAILURES.url;
    head.authority = target;
    head.path = '';
    return undefined;
  }
  if (isPath(target, head.method) || rules.refusesUrls) {
    if (!hasHost) head.refusal = REFUSALS.missingHost;
    return undefined;
  }
  const absolute = ABSOLUTE_FORM.exec(target);
  if (absolute === null) return targetFailure(target);
  // As in Envoy, a user before the host is left out.
  const host = absolute[2]!.slice(absolute[2]!.lastIndexOf('@') + 1);
  if (!isAuthority(host)) return FAILURES.target;
  const parts = URL_HOST.exec(host);
  if (host === '' || parts === null || Number(parts[1] ?? 0) > MAX_PORT) return FAILURES.url;
  head.authority = host;
  const rest = absolute[3]!;
  head.path = rest.startsWith('/') ? rest : `/${rest}`;
  return undefined;
}
