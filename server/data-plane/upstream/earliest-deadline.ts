import type { Random } from '#domain';

/** Picks that a schedule makes before its first one counts: proxies that begin together do not begin with the same host. */
const MAX_HEAD_START = 128;

interface Entry<Item> {
  readonly item: Item;
  deadline: number;
  /** The weight since `base`, and the picks since then: what has one weight for long is not moved by rounding. */
  weight: number;
  base: number;
  picks: number;
  /** Of two with one deadline, the one that was added first comes first. */
  order: number;
}

/**
 * Earliest deadline first: each pick puts an item's next deadline 1/weight later, so shares follow weights without bursts.
 * Source: edf_scheduler.h.
 */
export class DeadlineSchedule<Item> {
  readonly #entries: Entry<Item>[];
  readonly #weightOf: (item: Item) => number;
  #order: number;

  /** `weightOf` is asked again at each pick; it is above 0. Never without items. */
  constructor(items: readonly Item[], weightOf: (item: Item) => number, random?: Random) {
    this.#weightOf = weightOf;
    this.#entries = items.map((item, order) => {
      const weight = weightOf(item);
      return { item, order, weight, base: 0, picks: 1, deadline: 1 / weight };
    });
    this.#order = items.length;
    if (random === undefined) return;
    const total = items.reduce((sum, item) => sum + Math.ceil(weightOf(item)), 0);
    for (let picks = random.below(Math.min(total, MAX_HEAD_START)); picks > 0; picks--) this.next();
  }

  next(): Item {
    let first = this.#entries[0]!;
    for (const entry of this.#entries) {
      if (entry.deadline < first.deadline || (entry.deadline === first.deadline && entry.order < first.order))
        first = entry;
    }
    this.#postpone(first);
    return first.item;
  }

  #postpone(entry: Entry<Item>): void {
    const weight = this.#weightOf(entry.item);
    if (weight !== entry.weight) {
      entry.weight = weight;
      entry.base = entry.deadline;
      entry.picks = 0;
    }
    entry.picks++;
    entry.deadline = entry.base + entry.picks / weight;
    entry.order = this.#order++;
  }
}
