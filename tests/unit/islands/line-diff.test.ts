import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countDiff, diffLines, hunksOf } from '../../../src/islands/parts/line-diff.ts';

const side = (kind: 'added' | 'removed', before: string, after: string): string[] =>
  diffLines(before, after).flatMap((line) => (line.kind === kind ? [] : [line.text]));

const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((lines) => lines.join('\n'));

test('without what was added it is the old text, without what was removed the new one', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = (whole: string): string[] => (whole === '' ? [] : whole.replace(/\n$/, '').split('\n'));
      expect(side('added', before, after)).toEqual(lines(before));
      expect(side('removed', before, after)).toEqual(lines(after));
    }),
  );
});

test('a changed weight is one line removed and one added, numbered on their own sides', () => {
  const lines = diffLines('a:\n  weight: 90\nb', 'a:\n  weight: 60\nb');
  expect(lines).toEqual([
    { kind: 'same', text: 'a:', before: 1, after: 1 },
    { kind: 'removed', text: '  weight: 90', before: 2 },
    { kind: 'added', text: '  weight: 60', after: 2 },
    { kind: 'same', text: 'b', before: 3, after: 3 },
  ]);
  expect(countDiff(lines)).toEqual({ added: 1, removed: 1 });
});

test('what is far from any difference is folded', () => {
  const many = Array.from({ length: 20 }, (_, index) => `line ${index}`);
  const changed = many.map((line, index) => (index === 10 ? 'other' : line));
  const hunks = hunksOf(diffLines(many.join('\n'), changed.join('\n')));
  expect(hunks.map((hunk) => (hunk.kind === 'folded' ? hunk.count : hunk.lines.length))).toEqual([7, 8, 6]);
});

test('texts that are too long to compare line by line are replaced as a whole', () => {
  const before = Array.from({ length: 2100 }, (_, index) => `a${index}`).join('\n');
  const after = Array.from({ length: 2100 }, (_, index) => `b${index}`).join('\n');
  expect(countDiff(diffLines(before, after))).toEqual({ added: 2100, removed: 2100 });
});
