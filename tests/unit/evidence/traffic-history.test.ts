import { expect, test } from 'vitest';
import { TrafficHistory } from '../../../server/api/session/evidence/traffic-history.ts';
import type { RequestSummary } from '../../../server/telemetry/index.ts';

const START = 1_000_000_000_000;

const request = (atMs: number, durationMs: number, more: Partial<RequestSummary> = {}): RequestSummary => ({
  id: '0'.repeat(16),
  traceId: '0'.repeat(32),
  startMs: START + atMs,
  durationMs,
  source: { service: 'frontend', version: 'v1' },
  destination: { service: 'reviews', version: 'v1' },
  method: 'GET',
  path: '/',
  authority: 'reviews',
  status: 200,
  flags: [],
  mtls: true,
  answeredBy: 'upstream',
  ...more,
});

const read = (history: TrafficHistory, by: 'edge' | 'service' | 'version' = 'edge', untilMs = 60_000) =>
  history.read({ by, seconds: 60, untilMs: START + untilMs });

test('a request counts in the second in which it ended', () => {
  const history = new TrafficHistory();
  history.note(request(1900, 200));
  const { series, fromMs, stepMs } = read(history);
  expect({ fromMs, stepMs }).toEqual({ fromMs: START, stepMs: 1000 });
  expect(series[0]?.rps.flatMap((rps, second) => (rps > 0 ? [second] : []))).toEqual([2]);
});

test('what is under way is counted in every second that it touches', () => {
  const history = new TrafficHistory();
  history.note(request(500, 2000));
  expect(read(history).series[0]?.inFlight.slice(0, 4)).toEqual([0.5, 1, 0.5, 0]);
});

test('percentiles are those of nearest rank, at most four percent off', () => {
  const history = new TrafficHistory();
  for (let ms = 1; ms <= 100; ms++) history.note(request(1000, ms));
  const { p50 = 0, p90 = 0, p99 = 0 } = read(history).series[0]?.total ?? {};
  for (const [seen, wanted] of [
    [p50, 50],
    [p90, 90],
    [p99, 99],
  ] as const)
    expect(Math.abs(seen / wanted - 1)).toBeLessThan(0.041);
});

test('versions of a service are apart or added up, as asked', () => {
  const history = new TrafficHistory();
  history.note(request(1000, 10));
  history.note(request(1000, 10, { destination: { service: 'reviews', version: 'v2' }, status: 503, flags: ['UO'] }));
  expect(read(history, 'version').series.map(({ key, total }) => [key, total.errors])).toEqual([
    ['reviews@v1', 0],
    ['reviews@v2', 1],
  ]);
  const [all] = read(history, 'service').series;
  expect(all).toMatchObject({ key: 'reviews', total: { requests: 2, errors: 1, flags: { UO: 1 } } });
  expect(all?.errorShare[1]).toBe(0.5);
});

test('a second without requests has no latency and no share of errors', () => {
  const history = new TrafficHistory();
  history.note(request(1000, 10));
  const [edge] = read(history).series;
  expect([edge?.p50[5], edge?.errorShare[5], edge?.rps[5]]).toEqual([null, null, 0]);
});

test('a request that stands for others counts as all of them', () => {
  const history = new TrafficHistory();
  history.note(request(1000, 10, { standsFor: 16 }));
  expect(read(history).series[0]?.total.requests).toBe(16);
});

test('a longer window has fewer, longer steps', () => {
  const history = new TrafficHistory();
  for (let second = 0; second < 1800; second++) history.note(request(second * 1000, 10));
  const view = history.read({ by: 'edge', seconds: 1800, untilMs: START + 1_800_000 });
  expect(view.stepMs).toBe(20_000);
  expect(view.series[0]?.rps).toHaveLength(90);
  expect(view.series[0]?.rps.every((rps) => rps === 1)).toBe(true);
});

test('edges beyond those that are kept are told', () => {
  const history = new TrafficHistory();
  for (let n = 0; n < 70; n++) history.note(request(1000, 1, { source: { service: `caller-${n}`, version: '' } }));
  const view = read(history);
  expect([view.series.length, view.leftOut]).toEqual([64, 6]);
});

test('reading up to a moment in the past shows that moment', () => {
  const history = new TrafficHistory();
  history.note(request(1000, 10));
  history.note(request(90_000, 10));
  expect(read(history, 'edge', 60_000).series[0]?.total.requests).toBe(1);
});
