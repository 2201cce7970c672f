import { expect, test } from 'vitest';
import type { LogLineView } from '#contract';
import { linesOf, readLogFilter, writeLogFilter } from '../../../src/islands/access-log/filter.ts';

const line = (more: Partial<LogLineView>): LogLineView => ({
  spanId: 's',
  atMs: 1000,
  pod: 'frontend-v1-x',
  service: 'frontend',
  version: 'v1',
  direction: 'outbound',
  line: '[…] "GET /reviews/0 HTTP/1.1" 200 - via_upstream',
  status: 200,
  flags: [],
  ...more,
});
const full = line({ status: 503, flags: [{ flag: 'UO', name: 'Upstream overflow', meaning: '' }], line: '503 UO' });
const reset = line({ status: 0, flags: [{ flag: 'DC', name: 'Downstream', meaning: '' }], line: '0 DC' });

test('lines are found by flag, by failure, and by words of pod, direction and line', () => {
  const lines = [line({}), full, reset];
  expect(linesOf(lines, { scope: 'flags', words: '' })).toEqual([full, reset]);
  expect(linesOf(lines, { scope: 'failed', words: '503' })).toEqual([full]);
  expect(linesOf(lines, { scope: 'all', words: 'FRONTEND outbound reviews/0' })).toHaveLength(1);
  expect(linesOf(lines, { scope: 'all', words: '' }, 500)).toEqual([]);
});

test('without a word in the address, the open request is shown if there is one', () => {
  expect(readLogFilter(undefined, true)).toEqual({ scope: 'request', words: '' });
  expect(readLogFilter(undefined, false)).toEqual({ scope: 'all', words: '' });
  expect(readLogFilter(writeLogFilter({ scope: 'flags', words: '/reviews/0' }), true)).toEqual({
    scope: 'flags',
    words: '/reviews/0',
  });
});
