import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RequestView } from '#contract';
import { readAddress, writeAddress } from '../../../src/lab-client/address.ts';
import { backoffMs } from '../../../src/lab-client/backoff.ts';
import { overlay, tooLarge, toSheets, withText, writable } from '../../../src/lab-client/files.ts';
import { addMesh, addToHistory, meshAt } from '../../../src/lab-client/history.ts';
import { outcomeOf, statusText } from '../../../src/lab-client/outcome.ts';
import { addLines, addPush, addRequests } from '../../../src/lab-client/reduce.ts';

function request(id: string, atMs: number, more: Partial<RequestView> = {}): RequestView {
  const ends = { source: 'a', sourceVersion: 'v1', destination: 'b', destinationVersion: 'v1' };
  const what = { method: 'GET', path: '/', status: 200, flags: [], mtls: true, answeredBy: 'upstream' as const };
  return { id, traceId: id, atMs, durationMs: 5, ...ends, ...what, ...more };
}

test('an address leads back to the view that wrote it', () => {
  const view = {
    request: '00112233aabbccdd',
    dock: 'metrics',
    panel: 'why',
    push: 3,
    atMs: 1700,
    step: 'who',
    show: 'version/600/reviews@v2',
    line: 'reviews.yaml:14',
    other: 'ddccbbaa33221100',
  } as const;
  expect(readAddress(writeAddress(view))).toEqual(view);
});

test('an address with a request opens its decision path, and long words are understood', () => {
  expect(readAddress('?request=00112233aabbccdd')).toMatchObject({ dock: 'why', panel: 'why' });
  expect(readAddress('?view=terminal')).toMatchObject({ dock: 'term', panel: 'read' });
});

test('an address that says nonsense shows the start', () => {
  expect(readAddress('?request=../../x&view=nope&push=-1&at=1e9&line=../x:1&other=1')).toEqual({
    dock: 'req',
    panel: 'read',
  });
});

test('waits grow up to ten seconds and never exceed them', () => {
  expect([1, 2, 3, 9].map((attempt) => backoffMs(attempt, 0))).toEqual([250, 500, 1000, 10_000]);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (n, c) => {
        const wait = backoffMs(n, c);
        return wait >= 187 && wait <= 10_000;
      },
    ),
  );
});

test('a file counts as changed when it differs from what is in force', () => {
  const files = [
    { file: 'a.yaml', text: 'x', readOnly: false },
    { file: 'topology.yaml', text: 'y', readOnly: true },
  ];
  const applied = [{ file: 'a.yaml', text: 'x' }];
  const sheets = toSheets(files, applied);
  expect(sheets.map((sheet) => sheet.changed)).toEqual([false, false]);
  const edited = withText(sheets, 'a.yaml', 'z', applied);
  expect(edited[0]).toMatchObject({ text: 'z', changed: true });
  expect(withText(edited, 'a.yaml', 'x', applied)[0]?.changed).toBe(false);
  expect(writable(edited)).toEqual([{ file: 'a.yaml', text: 'z' }]);
});

test('a file that was not there is added before those that are given', () => {
  const sheets = toSheets([{ file: 'topology.yaml', text: 'y', readOnly: true }], []);
  expect(withText(sheets, 'new.yaml', 'x', []).map((sheet) => sheet.file)).toEqual(['new.yaml', 'topology.yaml']);
});

test('a file beyond 1 MiB has a diagnostic of its own, with code and hint', () => {
  expect(tooLarge([{ file: 'a.yaml', text: 'x'.repeat(1_048_576) }])).toEqual([]);
  const [problem] = tooLarge([{ file: 'a.yaml', text: 'x'.repeat(5 * 1_048_576) }]);
  expect(problem).toMatchObject({ code: 'MW0001', location: { file: 'a.yaml' } });
  expect(problem?.message).toContain('5.0 MiB');
});

test('unsaved text of this browser wins over the server, except in read-only files', () => {
  const files = [
    { file: 'a.yaml', text: 'server', readOnly: false },
    { file: 't.yaml', text: 'server', readOnly: true },
  ];
  const drafts = [
    { file: 'a.yaml', text: 'mine' },
    { file: 't.yaml', text: 'mine' },
    { file: 'gone.yaml', text: 'mine' },
  ];
  expect(overlay(files, drafts).map((file) => file.text)).toEqual(['mine', 'server']);
});

test('requests are kept once each, in order of time', () => {
  const known = addRequests([], [request('1', 10), request('2', 20)]);
  expect(addRequests(known, [request('2', 20), request('3', 15)]).map((one) => one.id)).toEqual(['1', '3', '2']);
});

test('a push that is sent again replaces its former state', () => {
  const push = { changeId: 'c', number: 2, title: 't', atMs: 1, proxies: [] };
  const twice = addPush(addPush([{ ...push, number: 3 }], push), { ...push, effectiveMs: 9 });
  expect(twice.map((one) => [one.number, one.effectiveMs])).toEqual([
    [2, 9],
    [3, undefined],
  ]);
});

test('edges once seen stay known, and nothing new leaves the list as it is', () => {
  const edge = {
    from: 'a',
    to: 'b',
    rps: 1,
    errorShare: 0,
    slowShare: 0,
    p50: 1,
    p90: 1,
    p99: 1,
    mtls: true,
    flags: {},
  };
  const mesh = { atMs: 1, windowMs: 1, nodes: [], edges: [edge] };
  const lines = addLines([], mesh);
  expect(addLines(lines, { ...mesh, edges: [] })).toBe(lines);
  expect(addLines(lines, mesh)).toBe(lines);
});

test('seconds count requests, failures, and those that were not sent', () => {
  const failed = request('2', 1500, { status: 503, flags: ['UO'] });
  const history = addToHistory([], [request('1', 1200), failed, request('3', 2100)], 8);
  expect(history).toEqual([
    { atMs: 1000, total: 2, failed: 1 },
    { atMs: 2000, total: 9, failed: 0 },
  ]);
});

test('the map of a moment is the last one kept before it', () => {
  const mesh = (atMs: number) => ({ atMs, windowMs: 1, nodes: [], edges: [] });
  const kept = [1000, 2000, 3500].reduce((list, atMs) => addMesh(list, mesh(atMs)), addMesh([], mesh(0)));
  expect(kept.map((one) => one.atMs)).toEqual([0, 2000]);
  expect(meshAt(kept, 3000)?.atMs).toBe(2000);
});

test('a refusal is a failure, a delay is slow, the rest is fine', () => {
  expect(outcomeOf(request('1', 0, { status: 403 }))).toBe('failed');
  expect(outcomeOf(request('1', 0, { status: 0, flags: ['DC'] }))).toBe('failed');
  expect(outcomeOf(request('1', 0, { flags: ['DI'] }))).toBe('slow');
  expect(outcomeOf(request('1', 0))).toBe('ok');
  expect(statusText({ status: 503, flags: ['UO'] })).toBe('503 UO');
});
