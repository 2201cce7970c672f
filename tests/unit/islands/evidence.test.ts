import { describe, expect, it, test } from 'vitest';
import { seededRandom } from '#domain';
import { readLog } from '../../../src/islands/access-log/fields.ts';
import { firstFailure, seenWords, tally } from '../../../src/islands/checks/words.ts';
import {
  drawOf,
  figuresOf,
  mainFiguresOf,
  placeWords,
  roadOf,
  subsetOf,
} from '../../../src/islands/decision-viewer/road.ts';
import { applyTone, applyWords } from '../../../src/islands/lab/apply-words.ts';
import { readSizes, startSizes } from '../../../src/islands/lab/sizes.ts';
import { formatMs, formatRate, formatShare } from '../../../src/islands/parts/format.ts';
import { patternOf } from '../../../src/islands/parts/versions.ts';
import { rowsOf } from '../../../src/islands/request-list/filter.ts';
import { placeMarks, shareOf, spanOf } from '../../../src/islands/time-bar/scale.ts';
import { waterfallOf } from '../../../src/islands/trace-viewer/waterfall.ts';
import { shortPod, trainGraphOf } from '../../../src/islands/xds-inspector/train-graph.ts';
import { litLines } from '../../../src/islands/yaml-editor/lit-lines.ts';
import { applyFix, fromServer, mergeProblems, type Problem } from '../../../src/islands/yaml-editor/problems.ts';
import { kindsIn, neededEntries, schemaByKind } from '../../../src/islands/yaml-editor/schemas.ts';
import { checksAt, pushOf, reviewsYaml } from '../../support/stub-lab/state.ts';
import { explain, requestAt } from '../../support/stub-lab/traffic.ts';

function refused() {
  const random = seededRandom('evidence');
  for (;;) {
    const request = requestAt(1000, random, true);
    if (request.flags.includes('UO')) return explain(request);
  }
}

test('the road runs from hop to stop, and says what was not reached', () => {
  const parts = roadOf(refused());
  expect(parts.map((part) => part.kind)).toEqual([
    'passed-hop',
    'hop',
    'step',
    'step',
    'step',
    'step',
    'step',
    'step',
    'not-reached',
  ]);
});

test('rules that a proxy never had stand behind the route that it chose', () => {
  const view = refused();
  const rules = [{ name: 'http[0] of VirtualService default/reviews', reason: 'needs port 80' }];
  const hops = view.hops.map((hop) => (view.focus.includes(hop.spanId) ? { ...hop, leftOut: rules } : hop));
  const parts = roadOf({ ...view, hops });
  const at = parts.findIndex((part) => part.kind === 'left-out');
  expect(parts[at]).toMatchObject({ rules });
  expect(parts[at - 1]).toMatchObject({ kind: 'step', step: { stage: 'route' } });
  expect(parts[at + 1]).toMatchObject({ kind: 'step', step: { stage: 'weight' } });
});

test('policies that do not count for a workload stand behind the filter that judged', () => {
  const filter = {
    stage: 'http_filter',
    outcome: 'stopped',
    name: 'envoy.filters.http.rbac',
    attempt: 0,
    atMs: 1,
  } as const;
  const response = { stage: 'response', outcome: 'stopped', name: '403', attempt: 0, atMs: 2 } as const;
  const rules = [{ name: 'AuthorizationPolicy default/near', reason: 'selects app: rating' }];
  const view = refused();
  const hops = view.hops.map((hop) =>
    view.focus.includes(hop.spanId)
      ? { ...hop, direction: 'inbound' as const, steps: [...hop.steps.slice(0, 3), filter, response], leftOut: rules }
      : hop,
  );
  const parts = roadOf({ ...view, hops });
  const at = parts.findIndex((part) => part.kind === 'left-out');
  expect(parts[at - 1]).toMatchObject({ step: { stage: 'http_filter' } });
  expect(parts[at + 1]).toMatchObject({ step: { stage: 'response' } });
});

test('a weight step shows its draw, a pool its figures beside their limits', () => {
  const steps = refused().hops[1]?.steps ?? [];
  const [weight, pool] = ['weight', 'pool'].map((stage) => steps.find((step) => step.stage === stage));
  expect(weight && drawOf(weight)).toEqual({ draw: 93, total: 100, from: 90, to: 100 });
  expect(pool && figuresOf(pool)).toEqual(['connections 1 of 1', 'waiting 1 of 1']);
  expect(placeWords({ file: 'reviews.yaml', line: 33, endLine: 34 })).toBe('reviews.yaml:33–34');
});

test('a step that went well shows few figures until all are asked for, and subsets instead of whole clusters', () => {
  const evidence = { policy: 'LEAST_REQUEST', connections: 1, maxConnections: 4, sni: '' };
  const step = { stage: 'pool', outcome: 'passed', name: 'x', atMs: 0, evidence } as const;
  expect(mainFiguresOf(step)).toEqual(['connections 1 of 4']);
  expect(figuresOf(step)).toEqual(['policy LEAST_REQUEST', 'connections 1 of 4']);
  expect(subsetOf('outbound|9080|v1|reviews.default.svc.cluster.local')).toBe('v1');
  expect(subsetOf('outbound|9080||reviews.default.svc.cluster.local')).toContain('outbound');
});

test('the lines of an open request are lit, and the line that stopped it comes last', () => {
  const view = refused();
  const lit = litLines({ state: 'ready', request: view.request.id, view });
  expect(lit.map((one) => [one.line, one.stop])).toEqual([
    [13, false],
    [17, false],
    [28, false],
    [32, true],
  ]);
});

test('a span that failed in its own proxy says that it never left', () => {
  const fall = waterfallOf(refused().spans);
  expect(fall.bars.at(-1)?.note).toMatch(/503 UO · never left the proxy$/);
  expect(fall.ticks.map((tick) => tick.text)).toEqual(['0 ms', '10 ms', '20 ms', '30 ms']);
});

test('a push is drawn with one row a proxy, later answers farther right', () => {
  const graph = trainGraphOf(pushOf(4, 'v3 pool', 0, 'productpage-v1-7c9d'));
  expect(graph.rows).toHaveLength(7);
  expect(graph.rows.every((row) => row.sentX < (row.settledX ?? 0))).toBe(true);
  expect(graph.rows.filter((row) => row.state === 'nacked').map((row) => shortPod(row.pod))).toEqual([
    'productpage v1',
  ]);
  expect(shortPod('istio-ingressgateway-6f4b')).toBe('ingress gateway');
});

test('an access log line is read field by field', () => {
  const fields = readLog(refused().hops[1]?.accessLog ?? '');
  const value = (name: string) => fields.find((field) => field.name === name)?.value;
  expect([value('Request'), value('Status'), value('Flags'), value('Route')]).toEqual([
    'GET /reviews/0 HTTP/1.1',
    '503',
    'UO',
    'everyone',
  ]);
});

test('the list shows failed ones only, and only what had happened by then', () => {
  const random = seededRandom('list');
  const requests = Array.from({ length: 50 }, (_, index) => requestAt(index * 100, random, true));
  const rows = rowsOf(requests, { filter: 'failed', atMs: 2000, limit: 100 });
  expect(rows.every((row) => row.status === 503 && row.atMs <= 2000)).toBe(true);
  expect(rowsOf(requests, { filter: 'all', limit: 7 })).toHaveLength(7);
});

const bar = { widthPx: 900, headPx: 900 };

test('a push title that would cover the next push keeps its number only', () => {
  const span = spanOf([], [], 120_000);
  expect(shareOf(span, 60_000)).toBe(0.5);
  const pushes = [pushOf(1, 'a long title', 60_000), pushOf(2, 'next', 64_000), pushOf(3, 'far', 90_000)];
  expect(placeMarks(pushes, span, bar).map((one) => [one.numbers, one.title])).toEqual([
    ['1', false],
    ['2', true],
    ['3', true],
  ]);
});

test('pushes too close for a finger share a number, and none of them its title', () => {
  const pushes = [9, 10, 11].map((number) => pushOf(number, 'restart', 60_000 + number * 100));
  const marks = placeMarks([...pushes, pushOf(12, 'later', 90_000)], spanOf([], [], 120_000), bar);
  expect(marks.map((one) => [one.numbers, one.title])).toEqual([
    ['9–11', false],
    [undefined, false],
    [undefined, false],
    ['12', true],
  ]);
});

test('places to press on the time bar cover neither one another nor the playhead', () => {
  const random = seededRandom('time bar');
  for (let round = 0; round < 200; round++) {
    const pushes = Array.from({ length: 12 }, () => random.next() * 120_000)
      .sort((a, b) => a - b)
      .map((atMs, index) => pushOf(index + 1, 'one', atMs));
    const headPx = random.next() * 900;
    const boxes = placeMarks(pushes, spanOf([], [], 120_000), { widthPx: 900, headPx }).flatMap((one) =>
      one.numbers === undefined ? [] : [one.boxPx],
    );
    const edges = [...boxes, headPx - 12].sort((a, b) => a - b);
    const gaps = edges.slice(1).map((left, index) => left - (edges[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(24 - 1e-6);
  }
});

test("the server's words win over the schema's on the same line", () => {
  const place = { file: 'a.yaml', line: 3, column: 1, endLine: 3, endColumn: 9 };
  const server = fromServer(
    [{ code: 'MW0101', severity: 'error', message: 'a number is wanted', location: place }],
    'a.yaml',
  );
  const schema: Problem = {
    ...place,
    key: 's',
    severity: 'warning',
    code: '',
    message: 'Incorrect type.',
    hint: '',
    lesson: '',
  };
  const elsewhere = { ...schema, key: 'e', line: 5, endLine: 5 };
  expect(mergeProblems(server, [schema, elsewhere]).map((one) => [one.line, one.code])).toEqual([
    [3, 'MW0101'],
    [5, ''],
  ]);
});

test('schemas are asked for by kind and apiVersion, and their definitions stay apart', () => {
  expect(kindsIn(reviewsYaml).map((one) => one.kind)).toEqual(['VirtualService', 'DestinationRule']);
  const index = [
    { kind: 'Gateway', apiVersions: ['networking.istio.io/v1'], file: 'gateway.json' },
    { kind: 'Gateway', apiVersions: ['gateway.networking.k8s.io/v1'], file: 'k8s-gateway.json' },
  ];
  const needed = neededEntries(index, 'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n');
  expect(needed.map((entry) => entry.file)).toEqual(['k8s-gateway.json']);
  const schema = { $defs: { host: { type: 'string' } }, properties: { spec: { $ref: '#/$defs/host' } } };
  const all = schemaByKind(index, new Map([['gateway.json', schema]]));
  expect(JSON.stringify(all)).toContain('"$ref":"#/$defs/gateway_json/host"');
  expect(all['allOf']).toHaveLength(1);
});

test('the first failure is explained in three short sentences', () => {
  const checks = checksAt(1);
  const first = firstFailure(checks);
  expect(first && seenWords(first)).toBe(
    "Seen: 15 of 412 failed. Wanted: 4 or fewer. Look at: v3's pool in reviews.yaml.",
  );
  expect(tally(checks)).toBe('1 of 4 checks met');
});

test('an apply says how far it reached, or who refused it', () => {
  const view = { changeId: 'c', accepted: true, diagnostics: [], objects: [], proxies: 12 };
  expect(applyWords({ ...view, effectiveMs: 23 })).toBe('Applied. In force at 12 proxies after 23 ms.');
  expect(
    applyWords({ ...view, accepted: false, diagnostics: [{ code: 'MW0101', severity: 'error', message: 'x' }] }),
  ).toMatch(/^Refused: 1 error/);
  const stored = { ...view, proxies: 0, objects: [{ kind: 'Service', namespace: 'a', name: 'b', outcome: 'created' }] };
  expect(applyWords(stored)).toBe('Stored. istiod does not run, so no proxy hears of it.');
  expect(applyWords({ ...stored, objects: [] })).toBe('Applied. Nothing changed for the proxies.');
  const nacked = { ...view, push: pushOf(5, 'x', 0, 'productpage-v1-7c9d') };
  expect(applyWords(nacked)).toMatch(/1 proxy refused the push/);
  expect(applyTone(nacked)).toBe('bad');
});

test('versions keep their pattern whatever runs beside them', () => {
  expect(['v1', 'v2', 'v3', 'v4'].map((version) => patternOf(version, ['v2', 'v3']))).toEqual([1, 2, 3, 4]);
  expect(patternOf('canary', ['canary', 'stable'])).toBe(1);
});

test('figures have a unit and a space', () => {
  expect([0.42, 9.4, 508, 2345].map(formatMs)).toEqual(['0.4 ms', '9 ms', '508 ms', '2.3 s']);
  expect([0, 2.5, 40.2].map(formatRate)).toEqual(['idle', '2.5/s', '40/s']);
  expect([0.37, 0.004].map(formatShare)).toEqual(['37 %', '0.4 %']);
});

test('kept sizes that make no sense are replaced', () => {
  const start = startSizes(1440);
  expect(readSizes(null, start)).toEqual({ do: 424, why: 372, dock: 0, read: 0 });
  expect(readSizes('not json', start)).toEqual(start);
  expect(readSizes('{"do":500,"why":"wide","dock":-4}', start)).toEqual({ ...start, do: 500 });
  expect(startSizes(1280)).toMatchObject({ do: 384, why: 332 });
});

describe('a repair', () => {
  const at = (line: number, column: number, endLine: number, endColumn: number) => ({
    file: 'a.yaml',
    line,
    column,
    endLine,
    endColumn,
  });

  it('replaces its range and nothing else', () => {
    const text = 'hosts:\n  - reviews\nhttp: []\n';
    expect(applyFix(text, { title: '', range: at(2, 5, 2, 12), text: 'ratings' })).toBe(
      'hosts:\n  - ratings\nhttp: []\n',
    );
    expect(applyFix(text, { title: '', range: at(1, 1, 3, 1), text: '' })).toBe('http: []\n');
  });

  it('loses nothing when the text is shorter by now', () => {
    expect(applyFix('a: 1', { title: '', range: at(9, 3, 9, 9), text: '!' })).toBe('a: 1!');
  });
});
