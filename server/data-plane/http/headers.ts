/** Characters that would end a header line, or that latin1, the charset of header bytes, cannot carry. */
const UNSAFE_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-zA-Z]+$/;
const EACH_UNSAFE = /[^\t\x20-\x7e\x80-\xff]/gu;

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09;

/** Texts found safe, by length: the same few values and names, of configuration as a rule, come with every request. */
const SAFE_VALUES = new Array<string>(256).fill('');
const SAFE_NAMES = new Array<string>(64).fill('');

/** Whether a header can have this name (RFC 9110 §5.6.2). */
export function isName(name: string): boolean {
  const place = name.length & 63;
  if (SAFE_NAMES[place] === name) return name !== '';
  if (!NAME.test(name)) return false;
  SAFE_NAMES[place] = name;
  return true;
}

/**
 * Control characters become spaces, characters beyond latin1 the bytes of their UTF-8 form. White space around a value is no part of it (RFC 9110
 * §5.5): over HTTP/2 it would make the message malformed (RFC 9113 §8.2.1).
 */
export function wireSafe(value: string): string {
  const place = value.length & 255;
  if (SAFE_VALUES[place] === value) return value;
  if (!UNSAFE_IN_VALUE.test(value) && !isSpace(value.charCodeAt(0)) && !isSpace(value.charCodeAt(value.length - 1))) {
    if (value.length < 256) SAFE_VALUES[place] = value;
    return value;
  }
  return withoutOuterSpace(
    value.replace(EACH_UNSAFE, (character) =>
      character > '\xff' ? Buffer.from(character, 'utf8').toString('latin1') : ' ',
    ),
  );
}

function withoutOuterSpace(value: string): string {
  let [begin, end] = [0, value.length];
  while (begin < end && isSpace(value.charCodeAt(begin))) begin++;
  while (end > begin && isSpace(value.charCodeAt(end - 1))) end--;
  return value.slice(begin, end);
}

const LETTER_X = 0x78;
const LETTER_E = 0x65;

/** Whether a name begins with `x-envoy-`; few others begin with `x-e`. */
export const isEnvoyName = (name: string): boolean =>
  name.charCodeAt(2) === LETTER_E && name.charCodeAt(0) === LETTER_X && name.startsWith('x-envoy-');

const NOTHING: readonly string[] = [];

/** Cuts a list to a length. To set its length is a call into the runtime; a few values taken off are none. */
export function shorten(list: string[], length: number): void {
  while (list.length > length) list.pop();
}

/**
 * An HTTP header list: lower-case names, insertion order, duplicates kept. Stored flat (name, value, name, value …), which is what
 * both codecs read and write; lists are short, so a scan beats a map. Values that are set or added are made safe for the wire, so that no
 * configured value can split a message; what a codec has read is safe already.
 */
export class Headers {
  /** Names at even places, values at odd ones. Codecs read it directly; others use the methods. */
  readonly flat: string[];
  /** By lower-case name, how the peer wrote names with capitals; only where that is to be kept (`preserve_case`). */
  spelling: ReadonlyMap<string, string> | undefined = undefined;

  constructor(flat: string[] = []) {
    this.flat = flat;
  }

  /** From pairs; names are lower-cased. */
  static of(entries: Readonly<Record<string, string>>): Headers {
    const headers = new Headers();
    for (const [name, value] of Object.entries(entries)) headers.add(name.toLowerCase(), value);
    return headers;
  }

  /** The first value, or undefined. `name` is lower case. */
  get(name: string): string | undefined {
    for (let i = 0; i < this.flat.length; i += 2) if (this.flat[i] === name) return this.flat[i + 1];
    return undefined;
  }

  /** All values joined by a comma, as Envoy matches a repeated header; undefined when absent. */
  joined(name: string): string | undefined {
    let all: string | undefined;
    for (let i = 0; i < this.flat.length; i += 2) {
      if (this.flat[i] === name) all = all === undefined ? this.flat[i + 1] : `${all},${this.flat[i + 1]}`;
    }
    return all;
  }

  /** Every value, in the order of its lines. */
  all(name: string): readonly string[] {
    const { flat } = this;
    let found: string[] | undefined;
    for (let i = 0; i < flat.length; i += 2) {
      if (flat[i] !== name) continue;
      if (found === undefined) found = [flat[i + 1]!];
      else found.push(flat[i + 1]!);
    }
    return found ?? NOTHING;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Replaces every value of `name` by one. A name that is no token (RFC 9110 §5.1) is never added: it would break the message. */
  set(name: string, value: string): void {
    this.remove(name);
    if (isName(name)) this.flat.push(name, wireSafe(value));
  }

  add(name: string, value: string): void {
    if (isName(name)) this.flat.push(name, wireSafe(value));
  }

  /** As `set`, for a name and a value that need no check: constants of this proxy, and what a codec has read. */
  put(name: string, value: string): void {
    const { flat } = this;
    for (let i = 0; i < flat.length; i += 2) {
      if (flat[i] !== name) continue;
      flat[i + 1] = value;
      this.#removeFrom(name, i + 2);
      return;
    }
    flat.push(name, value);
  }

  remove(name: string): void {
    this.#removeFrom(name, 0);
  }

  #removeFrom(name: string, from: number): void {
    let to = from;
    while (to < this.flat.length && this.flat[to] !== name) to += 2;
    for (let i = to; i < this.flat.length; i += 2) {
      if (this.flat[i] === name) continue;
      if (to !== i) {
        this.flat[to] = this.flat[i]!;
        this.flat[to + 1] = this.flat[i + 1]!;
      }
      to += 2;
    }
    shorten(this.flat, to);
  }

  /** A list of its own with the same content. */
  clone(): Headers {
    const copy = new Headers(this.flat.slice());
    copy.spelling = this.spelling;
    return copy;
  }

  entries(): [string, string][] {
    const pairs: [string, string][] = [];
    for (let i = 0; i < this.flat.length; i += 2) pairs.push([this.flat[i]!, this.flat[i + 1]!]);
    return pairs;
  }
}
