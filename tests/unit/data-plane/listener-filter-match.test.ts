import { describe, expect, it } from 'vitest';
import { compilePortPredicate } from '../../../server/data-plane/config/listener-filter-match.ts';

const range = (start: number, end: number) => ({ destination_port_range: { start, end } });
const isOff = (resource: unknown, ...ports: number[]) => ports.map(compilePortPredicate(resource, 'filter_disabled'));

describe('filter_disabled of a listener filter', () => {
  it('that is absent leaves the filter on for every port', () => {
    expect(isOff(undefined, 1, 65_535)).toEqual([false, false]);
  });

  it('covers a range without its end', () => {
    expect(isOff(range(9000, 9001), 8999, 9000, 9001)).toEqual([false, true, false]);
  });

  it('joins and turns around rules', () => {
    expect(isOff({ or_match: { rules: [range(1, 2), range(9, 10)] } }, 1, 5, 9)).toEqual([true, false, true]);
    expect(isOff({ and_match: { rules: [range(1, 6), range(5, 10)] } }, 1, 5, 9)).toEqual([false, true, false]);
    expect(isOff({ not_match: range(8080, 8081) }, 8080, 9090)).toEqual([false, true]);
    expect(isOff({ any_match: true }, 7)).toEqual([true]);
  });

  it('refuses a rule that it does not know, with its place', () => {
    expect(() => compilePortPredicate({ or_match: { rules: [{}] } }, 'filter_disabled')).toThrow(
      /filter_disabled\.or_match\.rules\[0\]/,
    );
  });
});
