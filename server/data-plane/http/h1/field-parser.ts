import { COLON, CR, IS_VALUE, LF, LOWER_TOKEN, readLength, SPACE, TAB } from './bytes.ts';
import type { Failure } from './failures.ts';
import { FAILURES } from './failures.ts';
import {
  CONNECTION,
  CONTENT_LENGTH,
  FIRST_ORDINARY,
  HOST,
  hashStep,
  KNOWN_NAMES,
  PROXY_CONNECTION,
  placeOfName,
  TE,
  TRANSFER_ENCODING,
  UPGRADE,
} from './header-names.ts';

/** Of what TE lists only this goes further. */
const TRAILERS_WANTED = /(?:^|,)\s*trailers\s*(?:,|$)/i;
/** Values that Connection may list without naming a header of this message. */
const CONNECTION_OPTIONS: ReadonlySet<string> = new Set(['', 'close', 'keep-alive', 'upgrade', 'te', 'http2-settings']);

/** Headers that a peer must not make a proxy drop (Envoy: Utility::sanitizeConnectionHeader). */
const NOT_NOMINABLE: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

const MAX_NOMINATED = 10;

/** Why a name ends where it does. */
const nameFailure = (byte: number | undefined): Failure =>
  byte === LF ? FAILURES.bareLineFeed : byte === 0 ? FAILURES.control : FAILURES.headerName;

/**
 * Reads header lines. One instance serves a whole connection: `read` overwrites the results of the message before. Headers of one hop
 * are read into fields and left out of `flat`; Content-Length stays in both.
 */
export class FieldParser {
  /** Names (lower case) and values in turn. */
  flat: string[] = [];
  host: string | undefined = undefined;
  /** −1: none. */
  contentLength = -1;
  chunked = false;
  close = false;
  keepAlive = false;
  /** Value of Upgrade when Connection nominates it and it is not h2c; empty otherwise. */
  upgrade = '';
  /** Names that have capitals, by their lower-case form; undefined where they are not kept. */
  spelling: Map<string, string> | undefined = undefined;

  readonly #maxHeaders: number;
  readonly #keepsSpelling: boolean;
  #lines = 0;
  #transferEncoding = '';
  #upgradeNominated = false;
  #nominated: string[] | undefined = undefined;

  constructor(maxHeaders: number, keepsSpelling = false) {
    this.#maxHeaders = maxHeaders;
    this.#keepsSpelling = keepsSpelling;
  }

  /**
   * Reads the lines from `at` to `end`, which is just behind the empty line. `text` is the latin1 text of `bytes` from `base` on.
   * Returns what is wrong, or undefined.
   */
  read(bytes: Uint8Array, at: number, end: number, text: string, base: number): Failure | undefined {
    this.#reset();
    const last = end - 2;
    let start = at;
    while (start < last) {
      let hash = 0;
      let i = start;
      for (let lower = LOWER_TOKEN[bytes[i]!]!; lower !== 0; lower = LOWER_TOKEN[bytes[i]!]!) {
        hash = hashStep(hash, lower);
        i++;
      }
      if (i === start || bytes[i] !== COLON) return nameFailure(bytes[i]);
      const nameEnd = i++;
      while (bytes[i] === SPACE || bytes[i] === TAB) i++;
      const valueStart = i;
      while (IS_VALUE[bytes[i]!] === 1) i++;
      if (bytes[i] !== CR || bytes[i + 1] !== LF) return bytes[i] === LF ? FAILURES.bareLineFeed : FAILURES.headerValue;
      let valueEnd = i;
      while (valueEnd > valueStart && bytes[valueEnd - 1]! <= SPACE) valueEnd--;
      if (++this.#lines > this.#maxHeaders) return FAILURES.tooManyHeaders;
      const place = placeOfName(bytes, start, nameEnd, hash);
      const value = text.slice(valueStart - base, valueEnd - base);
      if (this.#keepsSpelling) this.#keepSpelling(text.slice(start - base, nameEnd - base));
      if (place >= FIRST_ORDINARY) {
        this.flat.push(KNOWN_NAMES[place]!, value);
      } else if (place < 0) {
        this.flat.push(text.slice(start - base, nameEnd - base).toLowerCase(), value);
      } else {
        const failure = this.#special(place, value);
        if (failure) return failure;
      }
      start = i + 2;
    }
    return this.#settle();
  }

  #reset(): void {
    this.flat = [];
    this.host = undefined;
    this.contentLength = -1;
    this.chunked = false;
    this.close = false;
    this.keepAlive = false;
    this.upgrade = '';
    this.spelling = undefined;
    this.#lines = 0;
    this.#transferEncoding = '';
    this.#upgradeNominated = false;
    this.#nominated = undefined;
  }

  #keepSpelling(name: string): void {
    const lower = name.toLowerCase();
    if (lower === name) return;
    this.spelling ??= new Map();
    if (!this.spelling.has(lower)) this.spelling.set(lower, name);
  }

  #special(place: number, value: string): Failure | undefined {
    switch (place) {
      case HOST:
        if (this.host !== undefined) return FAILURES.authority;
        this.host = value;
        return undefined;
      case CONNECTION:
        this.#readConnection(value);
        return undefined;
      case CONTENT_LENGTH:
        if (this.contentLength >= 0) return FAILURES.contentLength;
        this.contentLength = readLength(value);
        if (this.contentLength < 0) return FAILURES.contentLength;
        this.flat.push('content-length', value);
        return undefined;
      case TRANSFER_ENCODING:
        this.#transferEncoding = this.chunked ? `${this.#transferEncoding},${value}` : value;
        this.chunked = true;
        return undefined;
      case UPGRADE:
        this.upgrade = value;
        return undefined;
      default:
        // Keep-Alive, Proxy-Connection, TE and HTTP2-Settings end at this hop; that the client takes trailers is passed on.
        if (place === TE && TRAILERS_WANTED.test(value)) this.flat.push('te', 'trailers');
        else if (place === PROXY_CONNECTION && value.toLowerCase() === 'close') this.close = true;
        return undefined;
    }
  }

  #readConnection(value: string): void {
    if (value === 'keep-alive' || value === 'Keep-Alive') {
      this.keepAlive = true;
      return;
    }
    for (const part of value.toLowerCase().split(',')) {
      const option = part.trim();
      if (option === 'close') this.close = true;
      else if (option === 'keep-alive') this.keepAlive = true;
      else if (option === 'upgrade') this.#upgradeNominated = true;
      if (!CONNECTION_OPTIONS.has(option)) this.#nominated = [...(this.#nominated ?? []), option];
    }
  }

  #settle(): Failure | undefined {
    if (this.chunked) {
      if (this.contentLength >= 0) return FAILURES.lengthAndChunked;
      if (this.#transferEncoding.toLowerCase() !== 'chunked') return FAILURES.transferEncoding;
    }
    if (this.upgrade !== '' && (!this.#upgradeNominated || this.upgrade.toLowerCase() === 'h2c')) this.upgrade = '';
    return this.#nominated === undefined ? undefined : this.#dropNominated(this.#nominated);
  }

  /** Drops the headers that Connection nominates (RFC 9110 §7.6.1). */
  #dropNominated(names: readonly string[]): Failure | undefined {
    if (names.length > MAX_NOMINATED) return FAILURES.connectionHeader;
    for (const name of names) if (NOT_NOMINABLE.has(name) || name.startsWith(':')) return FAILURES.connectionHeader;
    const kept: string[] = [];
    for (let i = 0; i < this.flat.length; i += 2) {
      if (!names.includes(this.flat[i]!)) kept.push(this.flat[i]!, this.flat[i + 1]!);
    }
    this.flat = kept;
    return undefined;
  }
}
