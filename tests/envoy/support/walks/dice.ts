import { seededRandom } from '#domain';

/** Chances of a walk: all that is drawn follows from the seed. */
export interface Dice {
  /** True in so many of a hundred draws. */
  chance(percent: number): boolean;
  below(bound: number): number;
  one<Value>(values: readonly Value[]): Value;
  /** Each value with this chance in a hundred, in an order of its own. */
  some<Value>(values: readonly Value[], percent: number): Value[];
  shuffled<Value>(values: readonly Value[]): Value[];
  /** The fields of one object with this chance; nothing otherwise. */
  maybe<Fields extends object>(percent: number, fields: () => Fields): Fields | object;
}

export function dice(seed: string): Dice {
  const random = seededRandom(seed);
  const below = (bound: number): number => random.below(bound);
  const chance = (percent: number): boolean => below(100) < percent;
  const shuffled = <Value>(values: readonly Value[]): Value[] => {
    const left = [...values];
    return values.map(() => left.splice(below(left.length), 1)[0]!);
  };
  return {
    below,
    chance,
    shuffled,
    one: (values) => values[below(values.length)]!,
    some: (values, percent) => shuffled(values.filter(() => chance(percent))),
    maybe: (percent, fields) => (chance(percent) ? fields() : {}),
  };
}
