import type { Card } from '../../course/cards.ts';
import type { Rating } from './schedule.ts';

/** What the learner answered before the answer was shown, and what a machine says of it. */
export interface Attempt {
  readonly verdict: 'right' | 'almost' | 'wrong';
  /** What was typed or chosen, or the order that was made. */
  readonly text: string;
}

/** Typed answers: case, hyphens and spaces do not count; a slip of the finger is almost right. */
export function judgeTyped(card: Pick<Card, 'answer' | 'accepts'>, typed: string): Attempt {
  const given = plainForm(typed);
  const wanted = [card.answer, ...(card.accepts ?? [])].map(plainForm);
  const slips = Math.min(...wanted.map((form) => distance(form, given)));
  const allowed = given.length >= 9 ? 2 : given.length >= 5 ? 1 : 0;
  const verdict = slips === 0 ? 'right' : slips <= allowed ? 'almost' : 'wrong';
  return { verdict, text: typed.trim() };
}

export function judgeChoice(card: Card, chosen: string): Attempt {
  return { verdict: chosen === card.answer ? 'right' : 'wrong', text: chosen };
}

/** An order with one pair of neighbours exchanged is almost right. */
export function judgeOrder(card: Card, order: readonly string[]): Attempt {
  const parts = card.parts ?? [];
  const displaced = parts.flatMap((part, index) => (part === order[index] ? [] : [index]));
  const [first = 0, second = 0] = displaced;
  const swapped = displaced.length === 2 && second === first + 1;
  const verdict = displaced.length === 0 ? 'right' : swapped ? 'almost' : 'wrong';
  return { verdict, text: order.join(' → ') };
}

/** The grade that a verdict suggests; the learner decides. */
export function suggested(attempt: Attempt | undefined): Rating {
  if (attempt?.verdict === 'wrong') return 1;
  return attempt?.verdict === 'almost' ? 2 : 3;
}

/** The parts in another order than the right one. `random` gives numbers from 0 up to, but not, 1. */
export function shuffled(parts: readonly string[], random: () => number): string[] {
  const order = [...parts];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as string, order[last] as string];
  }
  const right = order.every((part, index) => part === parts[index]);
  return right ? [...order.slice(1), order[0] as string] : order;
}

function plainForm(text: string): string {
  return text
    .toLowerCase()
    .replace(/[\s\-_]+/g, '')
    .replace(/[:.]+$/, '');
}

/** Letters to change, add or leave out; two neighbours exchanged count as one. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const above = rows[i - 1] as number[];
      const change = (above[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(change, (above[j] as number) + 1, (row[j - 1] as number) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, ((rows[i - 2] as number[])[j - 2] as number) + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return (rows[a.length] as number[])[b.length] as number;
}
