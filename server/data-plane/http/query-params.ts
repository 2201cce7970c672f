/**
 * The parameters of a query as Envoy keeps them while it changes them: in the order of their names, the values of one name together, each
 * with an equals sign. Source: QueryParamsMulti in Envoy (source/common/http/utility.cc).
 */
export class QueryParams {
  readonly #path: string;
  readonly #values = new Map<string, string[]>();

  /** `decoded`: escapes of names and values are undone, and are not made again. A plus sign is no space. */
  constructor(pathAndQuery: string, how: 'as sent' | 'decoded') {
    const mark = pathAndQuery.indexOf('?');
    this.#path = mark < 0 ? pathAndQuery : pathAndQuery.slice(0, mark);
    const query = mark < 0 ? '' : pathAndQuery.slice(mark + 1);
    const text = how === 'decoded' ? decodeEscapes : (part: string): string => part;
    // What follows the last ampersand is a parameter only where there is something.
    const pairs = query.split('&');
    if (pairs.at(-1) === '') pairs.pop();
    for (const pair of pairs) {
      const equals = pair.indexOf('=');
      if (equals < 0) this.add(text(pair), '');
      else this.add(text(pair.slice(0, equals)), text(pair.slice(equals + 1)));
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  add(name: string, value: string): void {
    const values = this.#values.get(name);
    if (values === undefined) this.#values.set(name, [value]);
    else values.push(value);
  }

  /** In place of all values of this name. */
  overwrite(name: string, value: string): void {
    this.#values.set(name, [value]);
  }

  remove(name: string): void {
    this.#values.delete(name);
  }

  /** The path with the parameters that are left. */
  toPath(): string {
    const pairs = [...this.#values]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, values]) => values.map((value) => `${name}=${value}`));
    return pairs.length === 0 ? this.#path : `${this.#path}?${pairs.join('&')}`;
  }
}

/** Bytes as letters of Latin-1; what is no escape stays. */
export const decodeEscapes = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** A value, its bytes as letters of Latin-1, as Envoy writes one that it adds: as forms do, but for the space. */
export const encodeParam = (value: string): string =>
  value.replace(/[^A-Za-z0-9_.*-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
