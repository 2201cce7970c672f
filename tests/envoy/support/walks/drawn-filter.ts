import type { Dice } from './dice.ts';

export const TYPES = 'type.googleapis.com/envoy.extensions';
const HTTP = `${TYPES}.filters.http`;

/** One filter and what a route may say of it. */
export interface DrawnFilter {
  readonly name: string;
  readonly config: object;
  readonly onRoute?: object;
}

/** All or nothing: what lies between is drawn anew by each proxy. */
export const share = (roll: Dice): object => ({ default_value: { numerator: roll.one([0, 100, 100, 100]) } });
export const switched = (roll: Dice): object => ({ default_value: roll.chance(75), runtime_key: 'walk.none' });
export const typed = (type: string, fields: object): object => ({ '@type': `${HTTP}.${type}`, ...fields });
