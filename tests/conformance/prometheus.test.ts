import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { page, type RunningMesh, startMesh, topology } from '../mesh/sandbox-support.ts';
import { freePort } from '../support/free-port.ts';
import { findPrometheus } from './prometheus-support.ts';

const prometheus = findPrometheus();

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

describe.skipIf(!prometheus)('a real Prometheus scrapes the mesh', () => {
  let mesh: RunningMesh;
  let child: ChildProcess;
  let folder: string;
  let base: string;

  beforeAll(async () => {
    mesh = await startMesh(topology('bookinfo'));
    for (let i = 0; i < 10; i++) expect((await page(mesh.sandbox)).status).toBe(200);
    folder = mkdtempSync(join(tmpdir(), 'meshwork-prometheus-'));
    const targets = mesh.sandbox.pods.filter(({ proxy }) => proxy !== undefined).map(({ ip }) => `${ip}:15020`);
    const job = { job_name: 'mesh', metrics_path: '/stats/prometheus', static_configs: [{ targets }] };
    const config = join(folder, 'prometheus.yml');
    writeFileSync(config, JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: [job] }));
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    child = spawn(
      'prometheus',
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
  });
  afterAll(async () => {
    const gone = new Promise((resolve) => child?.once('exit', resolve));
    if (child?.kill()) await gone;
    rmSync(folder, { recursive: true, force: true });
    await mesh?.stop();
  });

  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${base}${path}`);
    return ((await answer.json()) as { data: T }).data;
  };
  const query = async (expression: string): Promise<readonly Sample[]> =>
    (await ask<{ result: readonly Sample[] }>(`/api/v1/query?query=${encodeURIComponent(expression)}`)).result;

  it('finds every proxy up', { timeout: 60_000 }, async () => {
    await expect
      .poll(
        async () => {
          try {
            const { activeTargets } = await ask<{ activeTargets: readonly { health: string }[] }>('/api/v1/targets');
            return activeTargets.map(({ health }) => health);
          } catch {
            // It does not listen yet.
            return [];
          }
        },
        { timeout: 45_000, interval: 250 },
      )
      .toEqual(Array.from({ length: 7 }, () => 'up'));
  });

  it('counts each call once from each side, with the names of both workloads', async () => {
    const by = '(reporter, source_workload, destination_workload, response_code, connection_security_policy)';
    const samples = await query(`sum by ${by} (istio_requests_total{destination_workload="productpage-v1"})`);
    const counts = samples.map(({ metric, value }) => [
      metric['reporter'],
      metric['connection_security_policy'],
      value[1],
    ]);
    expect(counts.sort()).toEqual([
      ['destination', 'mutual_tls', '10'],
      ['source', 'unknown', '10'],
    ]);
  });

  it('computes a quantile from the duration histogram', async () => {
    const [sample] = await query(
      'histogram_quantile(0.99, sum by (le) (istio_request_duration_milliseconds_bucket{reporter="source"}))',
    );
    expect(Number(sample?.value[1])).toBeGreaterThan(0);
    expect(Number(sample?.value[1])).toBeLessThan(10_000);
  });

  it('knows Envoy’s own figures by cluster', async () => {
    const [sample] = await query(
      'sum(envoy_cluster_upstream_rq_total{cluster_name="outbound|9080||details.default.svc.cluster.local"})',
    );
    expect(sample?.value[1]).toBe('10');
  });
});
