import { expect, test } from 'vitest';
import type { CaughtLinesView, HopView } from '#contract';
import { callOf, readHeaders, readShown } from '../../../src/islands/what-if/call.ts';
import { caughtAt, caughtWords, lineNotes, readLine } from '../../../src/islands/yaml-editor/caught.ts';

const range = (line: number, endLine: number, caught: number, stopped = 0): CaughtLinesView['lines'][number] => ({
  file: 'reviews.yaml',
  line,
  endLine,
  requests: [],
  caught,
  stopped,
});
const ranges = [range(10, 30, 9), range(20, 24, 5), range(20, 21, 7, 2)];

test('the line at the cursor belongs to the smallest part of the text around it', () => {
  expect(caughtAt(ranges, { file: 'reviews.yaml', line: 21 })).toBe(ranges[2]);
  expect(caughtAt(ranges, { file: 'reviews.yaml', line: 24 })).toBe(ranges[1]);
  expect(caughtAt(ranges, { file: 'reviews.yaml', line: 31 })).toBeUndefined();
  expect(caughtAt(ranges, { file: 'other.yaml', line: 21 })).toBeUndefined();
});

test('a line has one number: of the part that caught most, or how many it refused', () => {
  expect(lineNotes(ranges)).toEqual([
    { file: 'reviews.yaml', line: 10, text: '9', stop: false },
    { file: 'reviews.yaml', line: 20, text: '2 refused', stop: true },
  ]);
});

test('what a line caught is said with its base and since when', () => {
  const view = { looked: 60, sincePush: 2, lines: ranges };
  const place = { file: 'reviews.yaml', line: 22 };
  expect(caughtWords(view, place, ranges[1])).toBe('Lines 20–24 caught 5 of 60 since push 2');
  expect(caughtWords(view, { ...place, line: 40 }, undefined)).toBe('Line 40 caught 0 of 60 since push 2');
  expect(caughtWords({ looked: 0, lines: [] }, place, undefined)).toBe('No request yet.');
  expect(readLine('a.b.yaml:14')).toEqual({ file: 'a.b.yaml', line: 14 });
});

test('headers are read one a line, values keep their colons, lines without one are told', () => {
  expect(readHeaders('end-user: jason\n\nx-time: 10:30\n:authority: x\nnonsense')).toEqual({
    headers: [
      ['end-user', 'jason'],
      ['x-time', '10:30'],
    ],
    unread: [':authority: x', 'nonsense'],
  });
  expect(readShown('POST http://a/b')).toEqual({ method: 'POST', url: 'http://a/b' });
  expect(readShown('nonsense')).toEqual({});
});

test('the form starts from the call that the open request’s own proxy was given, without what proxies add', () => {
  const hop = {
    spanId: 'a',
    direction: 'outbound',
    proxy: { pod: 'frontend-v1-x', namespace: 'default', service: 'frontend', version: 'v1', role: 'sidecar' },
    request: {
      method: 'GET',
      authority: 'reviews:8080',
      path: '/reviews/0?x=1',
      headers: [
        ['end-user', 'jason'],
        ['x-request-id', '1'],
        ['x-envoy-attempt-count', '1'],
        ['x-forwarded-proto', 'http'],
      ],
    },
  } as unknown as HopView;
  expect(callOf({ hops: [hop], focus: ['a'] })).toEqual({
    from: 'default/frontend-v1-x',
    method: 'GET',
    url: 'http://reviews:8080/reviews/0?x=1',
    headers: 'end-user: jason',
  });
  expect(callOf({ hops: [hop], focus: ['b'] })).toBeUndefined();
});
