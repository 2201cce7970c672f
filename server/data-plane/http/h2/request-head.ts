import type { RequestHead } from '../codec.ts';
import { IS_TARGET, LOWER_TOKEN } from '../h1/bytes.ts';
import { FAILURES, type Failure } from '../h1/failures.ts';
import { resolveTarget } from '../h1/request-parser.ts';
import { HOST_AND_PORT, isAuthority } from '../target.ts';
import { invalidField, malformed, type Violation } from './errors.ts';
import { isPseudo, readRegularFields } from './message-fields.ts';

const SLASH = 0x2f;
const BEYOND_ASCII = 0x80;
/** As in Envoy, any scheme is taken (RFC 3986 §3.1). */
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;

/** A request as its HEADERS gave it. */
export interface ReadRequest {
  readonly head: RequestHead;
  /** −1: no content-length. */
  readonly contentLength: number;
  /** CONNECT, plain or extended: the body is a stream of bytes. */
  readonly tunnel: boolean;
  /** It came on a carriage, and HTTP/1.1 would refuse it so. */
  readonly refused?: Failure | undefined;
}

interface Pseudo {
  method: string | undefined;
  path: string | undefined;
  scheme: string | undefined;
  authority: string | undefined;
  protocol: string | undefined;
}

export interface RequestRules {
  /** Extended CONNECT (RFC 8441) is taken. */
  readonly extendedConnect: boolean;
  /** It comes on a carriage, and stands for a request of HTTP/1.1. */
  readonly carried: boolean;
}

/**
 * Reads a request's header list (RFC 9113 §8.3). Strict, because it may go on as HTTP/1.1, where a line end in a value or a wrong length
 * would begin another request. An extended CONNECT reads as its HTTP/1.1 form: GET with `upgrade`.
 */
export function readRequest(fields: string[], rules: RequestRules): ReadRequest | Violation {
  const pseudo: Pseudo = {
    method: undefined,
    path: undefined,
    scheme: undefined,
    authority: undefined,
    protocol: undefined,
  };
  let at = 0;
  for (; at < fields.length && isPseudo(fields[at]!); at += 2) {
    const failure = takePseudo(pseudo, fields[at]!, fields[at + 1]!);
    if (failure) return failure;
  }
  const { carried } = rules;
  const regular = readRegularFields(fields, at, carried);
  if ('code' in regular) return regular;
  const { headers, contentLength, host } = regular;
  if (host !== undefined && pseudo.authority !== undefined && host !== pseudo.authority) {
    return malformed('host and :authority contradict each other.');
  }
  pseudo.authority ??= host;
  const failure = problemOf(pseudo, rules);
  if (failure) return failure;
  const connect = pseudo.method === 'CONNECT';
  if (connect && contentLength >= 0) return malformed('A CONNECT request has a content-length.');
  if (pseudo.protocol !== undefined) headers.flat.push('upgrade', pseudo.protocol);
  const head: RequestHead = {
    method: pseudo.protocol === undefined ? pseudo.method! : 'GET',
    path: pseudo.path ?? '',
    authority: pseudo.authority ?? '',
    scheme: pseudo.scheme?.toLowerCase() === 'https' ? 'https' : 'http',
    protocol: carried ? 'HTTP/1.1' : 'HTTP/2',
    headers,
  };
  return { head, contentLength, tunnel: connect, refused: carried && !connect ? refusalOf(head) : undefined };
}

/** What HTTP/1.1 has against a request line and a host that HTTP/2 could carry; a whole URL becomes what it names. */
function refusalOf(head: RequestHead): Failure | undefined {
  if (!isAuthority(head.authority)) return FAILURES.authority;
  return head.path.charCodeAt(0) === SLASH
    ? undefined
    : resolveTarget(head, true, { scheme: head.scheme, acceptHttp10: false, refusesUrls: false });
}

function takePseudo(pseudo: Pseudo, name: string, value: string): Violation | undefined {
  let twice: boolean;
  switch (name) {
    case ':method':
      twice = pseudo.method !== undefined;
      pseudo.method = value;
      break;
    case ':path':
      twice = pseudo.path !== undefined;
      pseudo.path = value;
      break;
    case ':scheme':
      twice = pseudo.scheme !== undefined;
      pseudo.scheme = value;
      break;
    case ':authority':
      twice = pseudo.authority !== undefined;
      pseudo.authority = value;
      break;
    case ':protocol':
      twice = pseudo.protocol !== undefined;
      pseudo.protocol = value;
      break;
    default:
      return invalidField(`A request has no pseudo-header ${name}.`);
  }
  return twice ? invalidField(`There are two ${name} pseudo-headers.`) : undefined;
}

function problemOf({ method, path, scheme, authority, protocol }: Pseudo, rules: RequestRules): Violation | undefined {
  if (method === undefined) return malformed('The request has no :method.');
  if (!isToken(method)) return invalidField('The :method is no token.');
  if (authority !== undefined && !rules.carried && (authority === '' || !isAuthority(authority)))
    return invalidField('The authority is not a host.');
  if (method === 'CONNECT' && protocol === undefined) {
    if (path !== undefined || scheme !== undefined) return malformed('A CONNECT request has a :path or a :scheme.');
    return authority !== undefined && HOST_AND_PORT.test(authority)
      ? undefined
      : malformed('A CONNECT request needs an :authority of host and port.');
  }
  if (protocol !== undefined) {
    if (method !== 'CONNECT') return invalidField('Only CONNECT has a :protocol.');
    if (!rules.extendedConnect) return invalidField('Extended CONNECT is not served here.');
    if (!isToken(protocol)) return malformed(':protocol is no token.');
  }
  if (scheme === undefined) return malformed('The request has no :scheme.');
  if (!SCHEME.test(scheme)) return invalidField('The :scheme is none.');
  if (authority === undefined) return malformed('The request has no :authority.');
  if (path === undefined) return malformed('The request has no :path.');
  if (!isTarget(path)) return invalidField('The :path holds characters that no path may hold.');
  return rules.carried || path.charCodeAt(0) === SLASH || (path === '*' && method === 'OPTIONS')
    ? undefined
    : malformed('The :path is no path.');
}

/** As in Envoy, bytes beyond ASCII may stand in a path here, but not in a request line. */
function isTarget(path: string): boolean {
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (IS_TARGET[code] !== 1 && code < BEYOND_ASCII) return false;
  }
  return path.length > 0;
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!LOWER_TOKEN[text.charCodeAt(i)]) return false;
  return text.length > 0;
}
