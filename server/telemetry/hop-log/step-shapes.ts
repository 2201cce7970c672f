import { asIs, type StepTape, TAPE_PLACES } from '#domain';
import { ownCopy } from './familiar.ts';

/** Shapes of one kind that are tried, the one that fitted last first. */
const MOST_SHAPES = 8;
/** The first ones stand where they are: two that take turns need not change places each time. */
const OFTEN = 2;
/** Kinds that are kept; then they are learnt anew. */
const MOST_KINDS = 128;
/** So many other values, and every fourth, never make a shape useless. */
const ALWAYS_FEW = 12;

const NOTHING: readonly unknown[] = [];

/** The entries of a tape that came once, its times and notes left out; later ones are told by what differs. */
export type StepShape = readonly unknown[];

/**
 * The steps of one hop are nearly those of a hop before: the same decisions about the same parts of the configuration. What differs from the
 * shape that was found last is in `others`: a value's number, counted over the names and values of all steps, then the value. Of a note it is
 * `noteNumber`.
 */
export class StepShapes {
  /** By the first part of the configuration that a tape names. */
  readonly #shapes = new Map<unknown, StepShape[]>();
  readonly others: unknown[] = [];
  /** Places of `others` that count; what stands behind them is of an earlier hop. */
  count = 0;

  find(entries: StepTape['entries']): StepShape {
    const kind = kindOf(entries);
    const shapes = this.#shapes.get(kind) ?? [];
    for (let i = 0; i < shapes.length; i++) {
      const shape = shapes[i]!;
      if (!this.#compare(shape, entries)) continue;
      if (i >= OFTEN) toFront(shapes, i);
      return shape;
    }
    const shape = shapeOf(entries);
    if (shapes.length === 0) {
      if (this.#shapes.size >= MOST_KINDS) this.#shapes.clear();
      this.#shapes.set(kind, shapes);
    }
    if (shapes.unshift(shape) > MOST_SHAPES) shapes.pop();
    this.#compare(shape, entries);
    return shape;
  }

  clear(): void {
    this.#shapes.clear();
    this.others.length = 0;
  }

  /** Sets `others`; false when the steps are others, or so much differs that the shape is of no use. */
  #compare(shape: StepShape, entries: StepTape['entries']): boolean {
    this.count = 0;
    if (shape.length !== entries.length) return false;
    let place = 0;
    let notes = 0;
    for (let i = 0; i < entries.length; i += TAPE_PLACES) {
      const words = entries[i + 5];
      const values = entries[i + 6] as readonly unknown[];
      const own = shape[i + 6] as readonly unknown[];
      if (
        words !== shape[i + 5] ||
        entries[i] !== shape[i] ||
        entries[i + 1] !== shape[i + 1] ||
        entries[i + 4] !== shape[i + 4] ||
        values.length !== own.length
      )
        return false;
      if (entries[i + 2] !== shape[i + 2]) this.#note(place, entries[i + 2]);
      place++;
      if (words === asIs) {
        notes++;
        this.#note(noteNumber(place++), values[0]);
        continue;
      }
      for (let j = 0; j < values.length; j++, place++) {
        const value = values[j];
        if (value !== own[j] && !(own[j] === NOTHING && isNothing(value))) this.#note(place, value);
      }
      if (this.count / 2 - notes > ALWAYS_FEW + place / 4) return false;
    }
    return true;
  }

  #note(place: number, value: unknown): void {
    this.others[this.count] = place;
    this.others[this.count + 1] = value;
    this.count += 2;
  }
}

/** The number of a note in `others`, which always differs; applied to that, the number of its place. */
export const noteNumber = (number: number): number => -1 - number;

const isNothing = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

function kindOf(entries: StepTape['entries']): unknown {
  for (let i = 0; i < entries.length; i += TAPE_PLACES) {
    if (entries[i + 5] === asIs) continue;
    const values = entries[i + 6] as readonly unknown[];
    for (let j = 0; j < values.length; j++) {
      const value = values[j];
      if (typeof value === 'object' && value !== null && !isNothing(value)) return value;
    }
  }
  return undefined;
}

function shapeOf(entries: StepTape['entries']): StepShape {
  const shape = entries.slice();
  for (let i = 0; i < shape.length; i += TAPE_PLACES) {
    shape[i + 2] = ownValue(shape[i + 2]);
    shape[i + 3] = 0;
    const values = shape[i + 6] as readonly unknown[];
    shape[i + 6] = shape[i + 5] === asIs ? [undefined] : values.map(ownValue);
  }
  return shape;
}

function ownValue(value: unknown): unknown {
  if (typeof value === 'string') return ownCopy(value);
  return isNothing(value) ? NOTHING : value;
}

function toFront(shapes: StepShape[], place: number): void {
  const [shape] = shapes.splice(place, 1);
  shapes.unshift(shape!);
}

/** The entries of a tape again: `others` has what differs from the shape, by its number. */
export function tapeOf(
  shape: StepShape,
  timeOf: (step: number) => unknown,
  others: ReadonlyMap<number, unknown>,
): unknown[] {
  const entries = shape.slice();
  let place = 0;
  const valueOf = (own: unknown): unknown => {
    const at = place++;
    return others.has(at) ? others.get(at) : own;
  };
  for (let i = 0; i < entries.length; i += TAPE_PLACES) {
    entries[i + 3] = timeOf(i / TAPE_PLACES);
    entries[i + 2] = valueOf(entries[i + 2]);
    entries[i + 6] = (entries[i + 6] as readonly unknown[]).map(valueOf);
  }
  return entries;
}
