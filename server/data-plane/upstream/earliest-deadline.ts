import type { Random } from '#domain';

/** Below it lies the number of picks that a schedule counts as made: proxies that begin together do not begin with the same host. */
const MAX_HEAD_START = 429_496_729;
/** Keeps weights that are multiples of one another apart while picks are counted without being made. */
const APART = 1e-13;

interface Entry<Item> {
  readonly item: Item;
  deadline: number;
  /** Of two with one deadline, the one that was added first comes first. */
  order: number;
}

/** So many picks that a schedule may count as made before its first one. */
export const drawHeadStart = (random: Random): number => random.below(MAX_HEAD_START);

/**
 * Earliest deadline first: each pick puts an item's next deadline 1/weight later, so shares follow weights without bursts.
 * Deadlines that would be equal differ by what sums of fractions lose: who of those comes first depends on the head start, and changes with time.
 * Source: edf_scheduler.h.
 */
export class DeadlineSchedule<Item> {
  readonly #entries: Entry<Item>[];
  readonly #weightOf: (item: Item) => number;
  #order: number;

  /** `weightOf` is asked again at each pick; it is above 0. Never without items. */
  constructor(items: readonly Item[], weightOf: (item: Item) => number, headStart = 0) {
    this.#weightOf = weightOf;
    const weights = items.map((item) => weightOf(item) + APART);
    const sum = weights.reduce((all, weight) => all + weight, 0);
    let left = headStart;
    this.#entries = items.map((item, order) => {
      const weight = weights[order]!;
      let picks = Math.floor((weight * headStart) / sum);
      if (picks > 0 && picks / weight >= headStart / sum) picks--;
      left -= picks;
      return { item, order, deadline: (picks + 1) / weight };
    });
    this.#order = items.length;
    for (; left > 0; left--) this.next();
  }

  next(): Item {
    let first = this.#entries[0]!;
    for (const entry of this.#entries) {
      if (entry.deadline < first.deadline || (entry.deadline === first.deadline && entry.order < first.order))
        first = entry;
    }
    first.deadline += 1 / this.#weightOf(first.item);
    first.order = this.#order++;
    return first.item;
  }
}
