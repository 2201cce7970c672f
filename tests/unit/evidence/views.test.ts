import { expect, test } from 'vitest';
import type { EventView } from '#contract';
import { lifeOf, shortSerial, spanWords } from '../../../src/islands/certificates/life.ts';
import { eventsOf, readFilter, writeFilter } from '../../../src/islands/events/filter.ts';
import { readPlace, writePlace } from '../../../src/islands/metrics/place.ts';
import { pushMarks, timeTicks } from '../../../src/islands/metrics/push-marks.ts';
import { barsPath, linePath, topOf } from '../../../src/islands/metrics/scale.ts';
import { meanOf } from '../../../src/islands/metrics/signals.ts';

test('an axis ends at a round number that holds all of it', () => {
  expect([0, 0.03, 0.9, 1, 7, 42, 508, 1100].map(topOf)).toEqual([0, 0.05, 1, 1, 10, 50, 1000, 2000]);
});

test('a line is broken where there is no figure, and a lone figure is a dash', () => {
  expect(linePath([1, null, 1, 1], 1, { width: 40, height: 10 })).toBe('M0.0 0.0h10.0M25.0 0.0L35.0 0.0');
});

test('steps without errors have no bar', () => {
  expect(barsPath([0, null, 0.5], 1, { width: 30, height: 10 })).toBe('M21.5 10v-5.0h7.0v5.0z');
});

test('the mean begins with the traffic', () => {
  expect([meanOf([0, 0, 4, 2]), meanOf([null, null]), meanOf([0, 0])]).toEqual([3, 0, 0]);
});

test('pushes outside the window are not marked', () => {
  const push = (number: number, atMs: number) => ({ number, atMs, title: 'x', changeId: 'c', proxies: [] });
  const marks = pushMarks([push(1, 500), push(2, 1500), push(3, 2000)], { fromMs: 1000, untilMs: 2000 });
  expect(marks.map(({ number, share }) => [number, share])).toEqual([[2, 0.5]]);
});

test('moments at the foot of a chart are round and few', () => {
  const ticks = timeTicks({ fromMs: 1_700_000_010_000, untilMs: 1_700_000_130_000 });
  expect(ticks.map(({ text }) => text.slice(-2))).toEqual(['30', '00', '30', '00', '30']);
});

test('what the metrics view is opened at survives the address, slashes included', () => {
  const place = { by: 'version', seconds: 600, key: 'a/b@v1' } as const;
  expect(readPlace(writePlace(place))).toEqual(place);
  expect(readPlace('nonsense')).toEqual({ by: 'edge', seconds: 120, key: '' });
});

test('life left is told in two units, and turns amber after the renewal was due', () => {
  const hour = 3_600_000;
  const certificate = { notBeforeMs: 0, notAfterMs: 24 * hour };
  expect(lifeOf(certificate, hour)).toMatchObject({ tone: 'ok', words: '23 h left', whole: '1 d' });
  expect(lifeOf(certificate, 14 * hour)).toMatchObject({ tone: 'slow', words: '10 h left' });
  expect(lifeOf(certificate, 23 * hour)).toMatchObject({ tone: 'error' });
  expect(lifeOf(certificate, 25 * hour)).toMatchObject({ left: 0, tone: 'error', words: 'ended 1 h ago' });
  expect([spanWords(90_000), spanWords(40 * 24 * hour), spanWords(-5)]).toEqual(['1 min 30 s', '40 d', '0 s']);
  expect(shortSerial('0a1b2c3d4e5f6071')).toBe('0a:1b:2c…60:71');
});

const event = (more: Partial<EventView>): EventView => ({
  id: 'e',
  atMs: 1000,
  source: 'kubernetes',
  type: 'Normal',
  reason: 'Started',
  object: 'Pod/reviews-v1',
  namespace: 'default',
  message: 'Started container reviews',
  count: 1,
  by: 'kubelet',
  ...more,
});

test('events are found by source, by warning, and by words in any column', () => {
  const events = [event({}), event({ source: 'lab', reason: 'PushRefused', type: 'Warning', object: '' })];
  expect(eventsOf(events, readFilter('lab'))).toHaveLength(1);
  expect(eventsOf(events, readFilter('warnings'))).toEqual([events[1]]);
  expect(eventsOf(events, readFilter('all/REVIEWS pod'))).toEqual([events[0]]);
  expect(eventsOf(events, readFilter(undefined), 500)).toEqual([]);
  expect(readFilter(writeFilter({ source: 'lab', words: 'a/b' }))).toEqual({ source: 'lab', words: 'a/b' });
});
