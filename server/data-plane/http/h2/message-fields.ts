import { readLength } from '../h1/bytes.ts';
import { Headers, shorten } from '../headers.ts';
import { passableTrailers } from '../trailers.ts';
import { invalidField, malformed, type Violation } from './errors.ts';

const COLON = 0x3a;

/** Headers of one connection: HTTP/2 has none of them, and a message that carries one is malformed (RFC 9113 §8.2.2). */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** The set is asked only about names of a length that it holds: nearly every other name is told apart by that. */
function isConnectionHeader(name: string): boolean {
  const { length } = name;
  return (length === 7 || length === 10 || length > 15) && length < 18 && CONNECTION_HEADERS.has(name);
}

export const isPseudo = (name: string): boolean => name.charCodeAt(0) === COLON;

/** The regular fields of a message, checked. */
export interface RegularFields {
  readonly headers: Headers;
  /** −1: none. */
  readonly contentLength: number;
  readonly host: string | undefined;
}

/**
 * Reads the fields from place `start` on, behind the pseudo-headers. `host` and the crumbs of `cookie` are put together as HTTP/1.1 wants
 * them (RFC 9113 §8.2.3). `carried`: they stand for a message of HTTP/1.1, whose `te` ends at this hop.
 */
export function readRegularFields(fields: string[], start: number, carried = false): RegularFields | Violation {
  let contentLength = -1;
  let host: string | undefined;
  let cookie: string | undefined;
  let to = 0;
  for (let i = start; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    if (isPseudo(name)) return invalidField('A pseudo-header stands behind an ordinary header.');
    switch (name) {
      case 'content-length': {
        const length = readLength(value);
        if (length < 0 || contentLength >= 0) return invalidField('content-length is not one plain number.');
        contentLength = length;
        break;
      }
      case 'host':
        if (host !== undefined) return invalidField('There are two host headers.');
        host = value;
        continue;
      case 'cookie':
        cookie = cookie === undefined ? value : `${cookie}; ${value}`;
        continue;
      case 'te':
        if (value.toLowerCase() !== 'trailers' && !carried) return invalidField('te has another value than trailers.');
        if (value !== 'trailers') continue;
        break;
      default:
        if (isConnectionHeader(name)) return invalidField(`${name} has no place in HTTP/2.`);
    }
    fields[to] = name;
    fields[to + 1] = value;
    to += 2;
  }
  shorten(fields, to);
  if (cookie !== undefined) fields.push('cookie', cookie);
  return { headers: new Headers(fields), contentLength, host };
}

/** Reads the fields behind a body; what frames or routes a message is dropped. */
export function readTrailers(fields: string[]): Headers | undefined | Violation {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (isPseudo(name)) return invalidField('Trailers hold a pseudo-header.');
    if (isConnectionHeader(name)) return invalidField(`${name} has no place in HTTP/2.`);
    if (name === 'content-length') return malformed('Trailers hold a content-length.');
  }
  return passableTrailers(new Headers(fields));
}

/** Fields as they leave: without those of one connection. */
export function withoutConnectionHeaders({ flat }: Headers): readonly string[] {
  for (let i = 0; i < flat.length; i += 2) {
    if (!isConnectionHeader(flat[i]!) && flat[i] !== 'host') continue;
    const kept: string[] = [];
    for (let j = 0; j < flat.length; j += 2) {
      if (!isConnectionHeader(flat[j]!) && flat[j] !== 'host') kept.push(flat[j]!, flat[j + 1]!);
    }
    return kept;
  }
  return flat;
}
