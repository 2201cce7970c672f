import { ownCopy } from './familiar.ts';

/** Pairs whose values a mask can tell as other than the shape's. */
const MOST_PAIRS = 30;
/** Shapes of one length that are tried, the one that fitted last first: as many as services answer with lists of that length. */
const MOST_SHAPES = 32;

/** The first ones stand where they are: two that take turns need not change places each time. */
const OFTEN = 2;
/** So many other values never make a shape useless, however short it is. */
const ALWAYS_FEW = 4;
/** Longer values hardly differ but from service to service: a shape that has the same ones is better. */
const LONG = 100;

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
    let second = -1;
    for (let i = 0; i < shapes.length; i++) {
      const fit = this.#compare(shapes[i]!, list);
      if (fit === 'whole') return use(shapes, i);
      if (fit === 'but for long values') second = i;
    }
    if (second < 0 || shapes.length < MOST_SHAPES) return this.#learn(list);
    this.#compare(shapes[second]!, list);
    return use(shapes, second);
  }

  clear(): void {
    this.#shapes.length = 0;
  }

  /** Sets `mask`. 'no' when names differ, or so many values that the shape is of no use. */
  #compare(shape: HeaderShape, list: readonly string[]): 'whole' | 'but for long values' | 'no' {
    const few = Math.max(ALWAYS_FEW, list.length / 3);
    let mask = 0;
    let others = 0;
    let long = false;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] !== shape[i]) return 'no';
      const value = list[i + 1]!;
      if (value === shape[i + 1]) continue;
      if (++others > few) return 'no';
      mask |= 1 << (i >> 1);
      long ||= value.length > LONG;
    }
    this.mask = mask;
    return long ? 'but for long values' : 'whole';
  }

  #learn(list: readonly string[]): HeaderShape {
    const shape = list.map(ownCopy);
    this.mask = 0;
    this.#shapes[list.length] ??= [];
    const shapes = this.#shapes[list.length]!;
    if (shapes.unshift(shape) > MOST_SHAPES) shapes.pop();
    return shape;
  }
}

/** The shape at `place`, which is then one of the first. */
function use(shapes: HeaderShape[], place: number): HeaderShape {
  const shape = shapes[place]!;
  if (place < OFTEN) return shape;
  shapes.splice(place, 1);
  shapes.unshift(shape);
  return shape;
}
