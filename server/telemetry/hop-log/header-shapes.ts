/** Pairs whose values a mask can tell as other than the shape's. */
const MOST_PAIRS = 30;
/** Shapes of one length that are tried, the one that fitted last first. */
const MOST_SHAPES = 8;

/** The first ones stand where they are: two that take turns need not change places each time. */
const OFTEN = 2;
/** So many other values never make a shape useless, however short it is. */
const ALWAYS_FEW = 4;

const NO_SHAPES: HeaderShape[] = [];
export const NO_HEADERS: readonly string[] = [];

/** A list of headers that came once: name, value, name, value …; later ones are told by what differs. */
export type HeaderShape = readonly string[];

/** Headers of one hop are nearly those of the hop before: the same names in the same order, and a few other values. */
export class HeaderShapes {
  /** By length. */
  readonly #shapes: HeaderShape[][] = [];
  /** Which values differ from those of the shape that was found last, by bits. */
  mask = 0;

  /** The shape of a list, and `mask` of what differs from it. */
  find(list: readonly string[]): HeaderShape {
    this.mask = 0;
    if (list.length === 0) return NO_HEADERS;
    if (list.length > 2 * MOST_PAIRS) return list.slice();
    const shapes = this.#shapes[list.length] ?? NO_SHAPES;
    for (let i = 0; i < shapes.length; i++) {
      const shape = shapes[i]!;
      if (!hasNames(shape, list)) continue;
      if (!this.#compare(shape, list)) return this.#learn(list, i);
      if (i >= OFTEN) toFront(shapes, i);
      return shape;
    }
    return this.#learn(list, undefined);
  }

  clear(): void {
    this.#shapes.length = 0;
  }

  /** Sets `mask`; false when so much differs that the shape is of no use. */
  #compare(shape: HeaderShape, list: readonly string[]): boolean {
    let mask = 0;
    let others = 0;
    for (let i = 1; i < list.length; i += 2) {
      if (list[i] === shape[i]) continue;
      mask |= 1 << (i >> 1);
      others++;
    }
    this.mask = mask;
    return others <= ALWAYS_FEW || others * 3 <= list.length;
  }

  /** A new shape, in place of the one at `place`. */
  #learn(list: readonly string[], place: number | undefined): HeaderShape {
    const shape = list.slice();
    this.mask = 0;
    this.#shapes[list.length] ??= [];
    const shapes = this.#shapes[list.length]!;
    if (place !== undefined) shapes[place] = shape;
    else if (shapes.unshift(shape) > MOST_SHAPES) shapes.pop();
    return shape;
  }
}

function hasNames(shape: HeaderShape, list: readonly string[]): boolean {
  for (let i = 0; i < list.length; i += 2) if (list[i] !== shape[i]) return false;
  return true;
}

function toFront(shapes: HeaderShape[], place: number): void {
  const [shape] = shapes.splice(place, 1);
  shapes.unshift(shape!);
}
