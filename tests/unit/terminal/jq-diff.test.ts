import { expect, test } from 'vitest';
import { evaluate, JqError } from '../../../server/shell/programs/jq/evaluate.ts';
import { parseFilter } from '../../../server/shell/programs/jq/parse.ts';

const pods = {
  items: [
    { metadata: { name: 'b', labels: { app: 'reviews', 'a.b/c': 'x' } }, status: { phase: 'Running' }, n: 2 },
    { metadata: { name: 'a', labels: { app: 'reviews' } }, status: { phase: 'Pending' }, n: 3 },
    { metadata: { name: 'c', labels: {} }, status: {}, n: 1 },
  ],
};

// What jq 1.7 prints for the same filter and input.
test.each<[string, unknown[]]>([
  ['.items | length', [3]],
  ['.items[].metadata.name', ['b', 'a', 'c']],
  ['.items[0].metadata.labels["a.b/c"]', ['x']],
  ['.items[-1].n, .nothing', [1, null]],
  ['[.items[] | select(.status.phase == "Running") | .metadata.name]', [['b']]],
  ['.items | map(.n) | add', [6]],
  ['.items | sort_by(.metadata.name) | map(.metadata.name) | join(",")', ['a,b,c']],
  [
    '.items | group_by(.metadata.labels.app) | map({app: .[0].metadata.labels.app, count: length})',
    [
      [
        { app: null, count: 1 },
        { app: 'reviews', count: 2 },
      ],
    ],
  ],
  ['.items[] | "\\(.metadata.name)=\\(.n * 2)"', ['b=4', 'a=6', 'c=2']],
  ['.items[].status.phase // "none"', ['Running', 'Pending']],
  ['.items[] | .status.phase // "none"', ['Running', 'Pending', 'none']],
  ['.items[0].metadata.labels | to_entries | map(.key)', [['app', 'a.b/c']]],
  ['.items[0].metadata.labels | keys', [['a.b/c', 'app']]],
  ['[.items[] | select(.metadata.name | test("^[ab]$")) | .n] | max', [3]],
  ['.items[1:] | length', [2]],
  ['.items | any(.n > 2) and all(.n > 0)', [true]],
  ['{names: [.items[].metadata.name], first: .items[0].n}', [{ names: ['b', 'a', 'c'], first: 2 }]],
  ['.items[].n.x?', []],
  ['1 + 2 * 3 - 4, 7 % 4, -1', [3, 3, -1]],
  ['.items[0] | has("n"), has("x"), (.n | type), (.n | not)', [true, false, 'number', false]],
])('%s gives what jq gives', (filter, results) => {
  expect(evaluate(parseFilter(filter), pods)).toEqual(results);
});

test('what cannot be done is an error in jq’s words, and what cannot be read names the character', () => {
  expect(() => evaluate(parseFilter('.items.name'), pods)).toThrow(
    new JqError('Cannot index array with string "name"'),
  );
  expect(() => evaluate(parseFilter('.items[0].n[]'), pods)).toThrow('Cannot iterate over number (2)');
  expect(() => evaluate(parseFilter('nosuch'), pods)).toThrow('nosuch/0 is not defined here');
  expect(() => parseFilter('.items[')).toThrow(/it ends too early/);
  expect(() => parseFilter('"abc')).toThrow(/a quote is not closed/);
  expect(() => parseFilter('('.repeat(500))).toThrow(/nested too deeply/);
});

test('keys of the prototype are no fields', () => {
  expect(evaluate(parseFilter('.constructor, .__proto__'), {})).toEqual([null, null]);
  expect(() => evaluate(parseFilter('constructor'), {})).toThrow('constructor/0 is not defined here');
});
