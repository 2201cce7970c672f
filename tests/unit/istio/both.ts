import { expect, it } from 'vitest';
import { findings } from './manifests.ts';

/** name, manifest that is refused or warned of, part of the finding, manifest that is fine. */
export type Case = readonly [name: string, bad: string, finding: string, good: string];

export function both(cases: readonly Case[]): void {
  it.each(cases)('%s', (_, bad, finding, good) => {
    const found = findings(bad);
    expect(
      found.some((each) => each.includes(finding)),
      found.join('\n'),
    ).toBe(true);
    expect(findings(good)).toEqual([]);
  });
}
