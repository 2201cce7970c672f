import { GrowingRing } from './growing-ring.ts';

/**
 * Small whole numbers, and parts of the configuration by reference. Those are old objects already, in one old array: a young collection has
 * nothing to copy.
 */
export class ValueRing extends GrowingRing {
  #values: unknown[];

  constructor(size: number, maxSize: number) {
    super(size, maxSize);
    this.#values = new Array<unknown>(size).fill(undefined);
  }

  /** Keeps the first `length` of `values`; returns their position. What lies before the position `wanted` may be overwritten. */
  write(values: readonly unknown[], length: number, wanted: number): number {
    const position = this.reserve(length, wanted);
    const at = this.at(position);
    const own = this.#values;
    for (let i = 0; i < length; i++) own[at + i] = values[i];
    return position;
  }

  read(position: number, length: number): unknown[] {
    const at = this.at(position);
    return this.#values.slice(at, at + length);
  }

  protected resize(size: number) {
    const before = this.#values;
    const values = new Array<unknown>(size).fill(undefined);
    this.#values = values;
    return {
      move: (from: number, to: number, length: number) => {
        for (let i = 0; i < length; i++) values[to + i] = before[from + i];
      },
      moved: () => {},
    };
  }
}
