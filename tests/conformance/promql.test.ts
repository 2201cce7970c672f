import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { answerApi } from '../../server/workloads/prometheus/api.ts';
import { floatText, keyOf, type Labels } from '../../server/workloads/prometheus/promql/index.ts';
import { SeriesStore } from '../../server/workloads/prometheus/series-store.ts';
import { freePort } from '../support/free-port.ts';
import { MISTAKES, madeMesh, QUERIES, STEP_MS, STEPS } from '../support/promql-oracle.ts';
import { findPrometheus } from './prometheus-support.ts';

/** Not on a multiple of the step: what lies on a window's edge is told otherwise by Prometheus 2 and 3. */
const START_MS = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 2 * 3_600_000 + 1234;
const AT_MS = START_MS + (STEPS - 1) * STEP_MS + 2345;

interface Told {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly resultType: string; readonly result: unknown };
}

function ours(): SeriesStore {
  const store = new SeriesStore();
  for (const { labels, values } of madeMesh())
    for (const [i, value] of values.entries())
      if (value !== undefined) store.append(keyOf(labels), labels, START_MS + i * STEP_MS, value);
  return store;
}

const quoted = ({ __name__, ...labels }: Labels): string =>
  `${__name__}{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')}}`;

function openMetrics(): string {
  const lines = madeMesh().flatMap(({ labels, values }) =>
    values.flatMap((value, i) =>
      value === undefined ? [] : [`${quoted(labels)} ${floatText(value)} ${(START_MS + i * STEP_MS) / 1000}`],
    ),
  );
  return `${lines.join('\n')}\n# EOF\n`;
}

type Row = readonly [string, readonly (readonly [number, string])[]];

/** Rows in one order, figures with twelve digits: sums are added up in another order. */
function comparable({ status, error, data }: Told): unknown {
  if (data === undefined) return { status, error };
  if (!Array.isArray(data.result) || data.resultType === 'scalar' || data.resultType === 'string') return figures(data);
  const rows = (data.result as { metric: Labels; value?: [number, string]; values?: [number, string][] }[]).map(
    ({ metric, value, values }): Row => [keyOf(metric), value === undefined ? (values ?? []) : [value]],
  );
  return figures({ resultType: data.resultType, rows: rows.toSorted(([a], [b]) => (a < b ? -1 : 1)) });
}

const figures = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, each: unknown) =>
    typeof each === 'string' && /^-?\d+(\.\d+)?(e.\d+)?$/.test(each) ? Number(Number(each).toPrecision(10)) : each,
  );

describe.skipIf(findPrometheus() === undefined)('our PromQL beside a real Prometheus', () => {
  const store = ours();
  const world = { store, now: () => AT_MS, targets: () => [], config: () => '' };
  let child: ChildProcess;
  let folder: string;
  let base: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'meshwork-promql-'));
    writeFileSync(join(folder, 'mesh.om'), openMetrics());
    writeFileSync(join(folder, 'prometheus.yml'), 'scrape_configs: []\n');
    mkdirSync(join(folder, 'data'));
    execFileSync(
      'promtool',
      ['tsdb', 'create-blocks-from', 'openmetrics', join(folder, 'mesh.om'), join(folder, 'data')],
      { stdio: 'ignore' },
    );
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    child = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      {
        stdio: 'ignore',
      },
    );
    await vi.waitFor(async () => expect((await fetch(`${base}/-/ready`)).status).toBe(200), {
      timeout: 45_000,
      interval: 100,
    });
  }, 60_000);
  afterAll(async () => {
    const gone = new Promise((resolve) => child?.once('exit', resolve));
    if (child?.kill()) await gone;
    rmSync(folder, { recursive: true, force: true });
  });

  const path = (query: string): string => `/api/v1/query?${new URLSearchParams({ query, time: String(AT_MS / 1000) })}`;
  const rangePath = (query: string): string =>
    `/api/v1/query_range?${new URLSearchParams({ query, start: String((AT_MS - 300_000) / 1000), end: String(AT_MS / 1000), step: '17' })}`;
  const theirs = async (url: string): Promise<unknown> => comparable((await (await fetch(base + url)).json()) as Told);
  const own = async (url: string): Promise<unknown> => {
    const { body } = await answerApi({ method: 'GET', url } as Parameters<typeof answerApi>[0], world);
    return comparable(JSON.parse(body) as Told);
  };

  it.each(QUERIES)('answers %s as it does', async (query) => {
    expect(await own(path(query))).toEqual(await theirs(path(query)));
  });

  it('answers over a range as it does', async () => {
    const asked = QUERIES.filter((query) => !query.endsWith(']'));
    const [a, b] = [
      await Promise.all(asked.map((query) => own(rangePath(query)))),
      await Promise.all(asked.map((query) => theirs(rangePath(query)))),
    ];
    expect(Object.fromEntries(asked.map((query, i) => [query, a[i]]))).toEqual(
      Object.fromEntries(asked.map((query, i) => [query, b[i]])),
    );
  });

  it.each(MISTAKES)('refuses or answers %j in its words', async (query) => {
    expect(await own(path(query))).toEqual(await theirs(path(query)));
  });
});
