import { describe, expect, it } from 'vitest';
import { headerMatch } from '../../../server/data-plane/config/route-condition.ts';

describe("a header's older exact_match", () => {
  it.each([
    ['', false, ['v'], true],
    ['', false, [], false],
    ['', true, ['v'], false],
    ['', true, [], false],
    ['v', true, ['w'], true],
  ])('%o (inverted: %s) holds of %j: %s', (exact_match, invert_match, seen, holds) => {
    expect(headerMatch({ name: 'x-a', exact_match, invert_match }, 'headers[0]').holds(seen)).toBe(holds);
  });
});
