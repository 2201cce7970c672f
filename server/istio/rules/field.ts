import { childPath } from '../manifests/path.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A place in an object that may or may not be there, with its path. Reading never fails: what is absent or of another type reads as
 * absent, as it does in protobuf, where an empty text or a zero means "not set".
 */
export class Field {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.path = path;
  }

  get(name: string): Field {
    const value = isFields(this.value) && Object.hasOwn(this.value, name) ? this.value[name] : undefined;
    return new Field(value, childPath(this.path, name));
  }

  /** The same value under another path, for findings inside it. */
  withPath(path: string): Field {
    return new Field(this.value, path);
  }

  /** `at('tls.mode')` is `get('tls').get('mode')`. */
  at(names: string): Field {
    return names.split('.').reduce<Field>((field, name) => field.get(name), this);
  }

  get exists(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** The text; empty when there is none. */
  get text(): string {
    return typeof this.value === 'string' ? this.value : '';
  }

  /** The number; 0 when there is none. */
  get number(): number {
    return typeof this.value === 'number' ? this.value : 0;
  }

  get isTrue(): boolean {
    return this.value === true;
  }

  get items(): Field[] {
    return Array.isArray(this.value)
      ? this.value.map((item, index) => new Field(item, childPath(this.path, index)))
      : [];
  }

  /** The entries of a map, by key. */
  get entries(): [string, Field][] {
    if (!isFields(this.value)) return [];
    return Object.entries(this.value).map(([key, value]) => [key, new Field(value, childPath(this.path, key))]);
  }

  /** The texts of a list. */
  get texts(): string[] {
    return this.items.map((item) => item.text);
  }
}

export const specOf = (object: { readonly spec?: unknown }): Field => new Field(object.spec, 'spec');
