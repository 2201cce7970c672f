import { expect, test } from 'vitest';
import type { RequestView, SpanView } from '#contract';
import { likeIt, pairSpans } from '../../../src/islands/trace-viewer/compare.ts';
import { criticalPath, waitedFor } from '../../../src/islands/trace-viewer/critical-path.ts';

const span = (spanId: string, startMs: number, durationMs: number, parentSpanId?: string): SpanView => ({
  spanId,
  ...(parentSpanId !== undefined && { parentSpanId }),
  depth: 0,
  service: spanId,
  version: '',
  kind: 'server',
  operation: spanId,
  startMs,
  durationMs,
  status: 200,
  flags: [],
});

// page 0–100 asks details 10–30 and, beside it, reviews 20–90, which asks ratings 30–80.
const spans = [
  span('page', 0, 100),
  span('details', 10, 20, 'page'),
  span('reviews', 20, 70, 'page'),
  span('ratings', 30, 50, 'reviews'),
];

test('the critical path leads through the child that ended last, and what no child covers is the own time', () => {
  expect(criticalPath(spans).map(({ spanId, fromMs, toMs }) => [spanId, fromMs, toMs])).toEqual([
    ['page', 0, 10],
    ['details', 10, 20],
    ['reviews', 20, 30],
    ['ratings', 30, 80],
    ['reviews', 80, 90],
    ['page', 90, 100],
  ]);
});

test('its stretches cover the whole without a gap', () => {
  const path = criticalPath(spans);
  expect(path.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)).toBe(100);
  expect(waitedFor(spans).map(({ span: one, ms }) => [one.spanId, ms])).toEqual([
    ['ratings', 50],
    ['page', 20],
    ['reviews', 20],
    ['details', 10],
  ]);
});

test('a child that outlives its parent counts only as far as the parent waited', () => {
  const path = criticalPath([span('a', 0, 10), span('b', 5, 50, 'a')]);
  expect(path.map(({ spanId, fromMs, toMs }) => [spanId, fromMs, toMs])).toEqual([
    ['a', 0, 5],
    ['b', 5, 10],
  ]);
});

test('spans that name each other as parents do not go on for ever', () => {
  expect(criticalPath([span('a', 0, 10, 'b'), span('b', 0, 10, 'a')]).length).toBeLessThan(4);
});

test('spans of two traces are paired by what they do and by their order; the rest stands alone', () => {
  const twice = [span('r', 0, 5), span('r', 6, 7)];
  const pairs = pairSpans(twice, [span('r', 0, 9), span('x', 1, 1)]);
  expect(pairs.map(({ label, one, other }) => [label, one?.durationMs, other?.durationMs])).toEqual([
    ['r', 5, 9],
    ['r', 7, undefined],
    ['x', undefined, 1],
  ]);
});

test('a trace is compared with requests between the same services to the same path, newest first', () => {
  const request = (id: string, more: Partial<RequestView>): RequestView => ({
    id,
    traceId: id,
    atMs: 0,
    durationMs: 1,
    source: 'a',
    sourceVersion: '',
    destination: 'b',
    destinationVersion: '',
    method: 'GET',
    path: '/x?q=1',
    status: 200,
    flags: [],
    mtls: true,
    answeredBy: 'upstream',
    ...more,
  });
  const open = request('1', {});
  const all = [open, request('2', {}), request('3', { destination: 'c' }), request('4', { path: '/x?q=2' })];
  expect(likeIt(all, open).map(({ id }) => id)).toEqual(['4', '2']);
});
