import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '#sandbox';
import type { PodObject } from '../../server/sandbox/kube-types.ts';
import { page, type RunningMesh, startMesh, topology } from '../mesh/sandbox-support.ts';
import { freePort } from '../support/free-port.ts';
import { findPrometheus } from './prometheus-support.ts';

const prometheus = findPrometheus();

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** What the pods ask to be scraped by their annotations, as discovery in Kubernetes reads them. */
function jobsOf({ store }: Sandbox): object[] {
  return (store.list('Pod') as PodObject[]).flatMap(({ metadata, status }) => {
    const asked = (name: string): string | undefined => metadata.annotations?.[`prometheus.io/${name}`];
    if (asked('scrape') !== 'true') return [];
    const targets = [`${status?.podIP}:${asked('port')}`];
    const path = asked('path') ?? '/metrics';
    return [{ job_name: metadata.name, metrics_path: path, static_configs: [{ targets }] }];
  });
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
    const config = join(folder, 'prometheus.yml');
    // Every second it would ask for 8 pages, each within that second: more than a busy machine gives a mesh. One round of them is what is read.
    const global = { scrape_interval: '4s', scrape_timeout: '4s' };
    writeFileSync(config, JSON.stringify({ global, scrape_configs: jobsOf(mesh.sandbox) }));
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

  it('finds up what the pods’ annotations name: each proxy, the gateway’s too, and istiod', {
    timeout: 60_000,
  }, async () => {
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
      .toEqual(Array.from({ length: 8 }, () => 'up'));
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

  it('knows istiod’s pushes', async () => {
    const [sample] = await query('sum(pilot_xds_pushes{type="cds"})');
    expect(Number(sample?.value[1])).toBeGreaterThanOrEqual(7);
  });

  it('knows Envoy’s own figures by cluster', async () => {
    const [sample] = await query(
      'sum(envoy_cluster_upstream_rq_total{cluster_name="outbound|9080||details.default.svc.cluster.local"})',
    );
    expect(sample?.value[1]).toBe('10');
  });
});
