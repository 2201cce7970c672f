import type { Dice } from './dice.ts';
import { HEADERS, VALUES } from './route-matches.ts';

/** GET is the most usual. */
export const METHODS = ['GET', 'GET', 'GET', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'DELETE'];

/** Some of the headers that rules ask for, a few of them in two lines. */
export const someHeaders = (roll: Dice): Record<string, string | readonly string[]> =>
  Object.fromEntries(
    roll
      .some(HEADERS, 45)
      .map((each) => [each, roll.chance(15) ? [roll.one(VALUES), roll.one(VALUES)] : roll.one(VALUES)]),
  );

/** A UUID that says nothing of a trace. */
export const requestId = (roll: Dice): string =>
  `${hex(roll, 8)}-${hex(roll, 4)}-4${hex(roll, 3)}-9${hex(roll, 3)}-${hex(roll, 12)}`;

const hex = (roll: Dice, length: number): string =>
  Array.from({ length }, () => roll.one([...'0123456789abcdef'])).join('');
