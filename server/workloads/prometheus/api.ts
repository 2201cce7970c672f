import type { IncomingMessage } from 'node:http';
import { type Answer, html, json, pathOf, readBody, text } from '../respond.ts';
import {
  checkTypes,
  durationMs,
  ExecutionError,
  type Expression,
  evaluateAt,
  floatText,
  keyOf,
  type Labels,
  type Matcher,
  parseErrorText,
  parseQuery,
  QueryError,
  type Value,
} from './promql/index.ts';
import type { TargetState } from './scraper.ts';
import { RETENTION_MS, type SeriesStore } from './series-store.ts';

const MAX_POINTS = 11_000;
const DEFAULT_INTERVAL_MS = 60_000;

export interface ApiWorld {
  readonly store: SeriesStore;
  readonly now: () => number;
  readonly targets: () => readonly TargetState[];
  readonly config: () => string;
}

class BadRequest extends Error {}

const success = (data: unknown): Answer => json(200, { status: 'success', data });
const failure = (status: number, errorType: string, error: string): Answer =>
  json(status, { status: 'error', errorType, error });

/** The HTTP API of Prometheus: queries, labels, series, targets. Source: web/api/v1 in Prometheus. */
export async function answerApi(request: IncomingMessage, world: ApiWorld): Promise<Answer> {
  const path = pathOf(request);
  if (path === '/-/ready') return text(200, 'Prometheus Server is Ready.\n');
  if (path === '/-/healthy') return text(200, 'Prometheus Server is Healthy.\n');
  if (path === '/' || path === '/graph' || path === '/query') return html(200, FRONT);
  const [, name = ''] = /^\/api\/v1\/(.+)$/.exec(path) ?? [];
  const values = /^label\/([^/]+)\/values$/.exec(name)?.[1];
  const handler = values === undefined ? HANDLERS[name] : labelValues(values);
  if (handler === undefined) return text(404, '404 page not found\n');
  const given = await parameters(request);
  try {
    return success(handler(given, world));
  } catch (thrown) {
    if (thrown instanceof BadRequest) return failure(400, 'bad_data', thrown.message);
    if (thrown instanceof ExecutionError) return failure(422, 'execution', thrown.message);
    throw thrown;
  }
}

const FRONT = `<!doctype html><title>Prometheus</title><p>This Prometheus has no pages. Ask its API:
<code>curl -s 'http://prometheus.istio-system:9090/api/v1/query' --data-urlencode 'query=up'</code>, or promtool.</p>\n`;

async function parameters(request: IncomingMessage): Promise<URLSearchParams> {
  const { searchParams } = new URL(request.url ?? '/', 'http://prometheus');
  if (request.method !== 'POST') return searchParams;
  // The body's come first, as in Go's forms.
  return new URLSearchParams([...new URLSearchParams(await readBody(request)), ...searchParams]);
}

type Handler = (given: URLSearchParams, world: ApiWorld) => unknown;

const HANDLERS: Readonly<Record<string, Handler>> = {
  query: (given, { store, now }) => {
    const timeMs = given.has('time') ? readTime(given, 'time') : now();
    const expression = readQuery(given, 'query');
    const times = { startMs: timeMs, endMs: timeMs, intervalMs: DEFAULT_INTERVAL_MS };
    return told(evaluateAt(expression, timeMs, store, times), timeMs);
  },
  query_range: (given, { store }) => {
    const [startMs, endMs] = [readTime(given, 'start'), readTime(given, 'end')];
    if (endMs < startMs) throw new BadRequest('invalid parameter "end": end timestamp must not be before start time');
    const stepMs = readStep(given);
    if ((endMs - startMs) / stepMs > MAX_POINTS)
      throw new BadRequest(
        'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
      );
    const expression = readQuery(given, 'query');
    return overRange(expression, store, { startMs, endMs, stepMs });
  },
  labels: (given, world) => [...new Set(seriesOf(given, world).flatMap((labels) => Object.keys(labels)))].sort(),
  series: (given, world) => {
    if (!given.has('match[]')) throw new BadRequest('no match[] parameter provided');
    return seriesOf(given, world).map(sortedLabels);
  },
  targets: (_, { targets }) => ({
    activeTargets: targets().map(targetView),
    droppedTargets: [],
    droppedTargetCounts: {},
  }),
  'status/buildinfo': () => ({
    version: '3.5.0',
    revision: 'meshwork',
    branch: 'HEAD',
    buildUser: '',
    buildDate: '',
    goVersion: '',
  }),
  'status/config': (_, { config }) => ({ yaml: config() }),
  alerts: () => ({ alerts: [] }),
  rules: () => ({ groups: [] }),
};

const labelValues =
  (name: string): Handler =>
  (given, world) =>
    [...new Set(seriesOf(given, world).flatMap((labels) => labels[name] ?? []))].sort();

function readQuery(given: URLSearchParams, parameter: string): Expression {
  const query = given.get(parameter) ?? '';
  return parsed(query, parameter);
}

function parsed(query: string, parameter: string): Expression {
  try {
    return parseQuery(query);
  } catch (thrown) {
    if (!(thrown instanceof QueryError)) throw thrown;
    throw new BadRequest(`invalid parameter "${parameter}": ${parseErrorText(query, thrown)}`);
  }
}

/** Seconds since 1970 with a fraction, or RFC 3339. */
function readTime(given: URLSearchParams, parameter: string): number {
  const value = given.get(parameter) ?? '';
  const ms =
    value !== '' && Number.isFinite(Number(value))
      ? Math.round(Number(value) * 1000)
      : /^\d{4}-/.test(value)
        ? Date.parse(value)
        : Number.NaN;
  if (Number.isNaN(ms))
    throw new BadRequest(`invalid parameter "${parameter}": cannot parse "${value}" to a valid timestamp`);
  return ms;
}

function readStep(given: URLSearchParams): number {
  const value = given.get('step') ?? '';
  const ms = value !== '' && Number.isFinite(Number(value)) ? Number(value) * 1000 : durationMs(value);
  if (ms === undefined || Number.isNaN(ms))
    throw new BadRequest(`invalid parameter "step": cannot parse "${value}" to a valid duration`);
  if (ms <= 0)
    throw new BadRequest(
      'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  return ms;
}

const sortedLabels = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

const point = (timeMs: number, value: number): [number, string] => [timeMs / 1000, floatText(value)];

function told(value: Value, timeMs: number): unknown {
  switch (value.type) {
    case 'vector':
      return {
        resultType: 'vector',
        result: value.samples.map((sample) => ({
          metric: sortedLabels(sample.labels),
          value: point(timeMs, sample.value),
        })),
      };
    case 'matrix':
      return {
        resultType: 'matrix',
        result: value.series.map(({ labels, times, values }) => ({
          metric: sortedLabels(labels),
          values: times.map((ms, i) => point(ms, values[i]!)),
        })),
      };
    case 'scalar':
      return { resultType: 'scalar', result: point(timeMs, value.value) };
    case 'string':
      return { resultType: 'string', result: [timeMs / 1000, value.value] };
  }
}

function overRange(
  expression: Expression,
  store: SeriesStore,
  times: { startMs: number; endMs: number; stepMs: number },
): unknown {
  const { startMs, endMs, stepMs } = times;
  const type = checkTypes(expression);
  if (type !== 'instant vector' && type !== 'scalar')
    throw new BadRequest(
      `invalid parameter "query": invalid expression type "${type}" for range query, must be Scalar or instant Vector`,
    );
  const all = new Map<string, { metric: Labels; values: [number, string][] }>();
  for (let atMs = startMs; atMs <= endMs; atMs += stepMs) {
    const value = evaluateAt(expression, atMs, store, { startMs, endMs, intervalMs: stepMs });
    const samples =
      value.type === 'vector' ? value.samples : value.type === 'scalar' ? [{ labels: {}, value: value.value }] : [];
    for (const sample of samples) {
      const key = keyOf(sample.labels);
      const series = all.get(key) ?? { metric: sortedLabels(sample.labels), values: [] };
      all.set(key, series);
      series.values.push(point(atMs, sample.value));
    }
  }
  return { resultType: 'matrix', result: [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, series]) => series) };
}

/** The series of the last minutes that `match[]` picks; all where it is not given. */
function seriesOf(given: URLSearchParams, { store, now }: ApiWorld): Labels[] {
  const wanted = given.getAll('match[]');
  const selectors =
    wanted.length === 0 ? [[{ name: '__name__', op: '!=', value: '' } satisfies Matcher]] : wanted.map(matchersOf);
  const found = new Map<string, Labels>();
  for (const matchers of selectors)
    for (const { labels } of store.select(matchers, now() - RETENTION_MS, now())) found.set(keyOf(labels), labels);
  return [...found.values()];
}

function matchersOf(query: string): readonly Matcher[] {
  const expression = parsed(query, 'match[]');
  if (expression.kind !== 'selector')
    throw new BadRequest('invalid parameter "match[]": 1:1: parse error: expected a vector selector');
  return expression.matchers;
}

const targetView = ({ target, lastMs, tookMs, error }: TargetState): object => ({
  discoveredLabels: {},
  labels: target.labels,
  scrapePool: target.job,
  scrapeUrl: target.url,
  globalUrl: target.url,
  lastError: error,
  lastScrape: lastMs === undefined ? '0001-01-01T00:00:00Z' : new Date(lastMs).toISOString(),
  lastScrapeDuration: tookMs / 1000,
  health: lastMs === undefined ? 'unknown' : error === '' ? 'up' : 'down',
});
