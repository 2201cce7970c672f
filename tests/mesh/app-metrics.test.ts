import { afterAll, beforeAll, expect, it } from 'vitest';
import { INJECTED_DEFAULT } from './manifests.ts';
import { type RunningMesh, startMesh } from './sandbox-support.ts';

/** go-httpbin answers `/base64/…` with the text behind it: `app_orders_total 7`. */
const METRICS = `/base64/${Buffer.from('app_orders_total 7\n').toString('base64')}`;

const deployment = (name: string, annotations: Record<string, string>): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: default }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} }, annotations: ${JSON.stringify(annotations)} }
    spec: { containers: [{ name: main, image: go-httpbin, ports: [{ containerPort: 8080 }] }] }
---`;

/** The annotation counts in place of the setting of the same name. */
const STATS_WISHES = {
  'sidecar.istio.io/statsInclusionPrefixes': 'cluster.outbound,http.{pod_ip}_',
  'sidecar.istio.io/statsHistogramBuckets': '{"cluster.outbound":[1,77]}',
  'proxy.istio.io/config': JSON.stringify({
    statsCompression: false,
    runtimeValues: { 'a.b': 'true' },
    proxyStatsMatcher: { inclusionPrefixes: ['listener.'], inclusionRegexps: ['cluster.*Passthrough.*cx_total'] },
  }),
};

let mesh: RunningMesh;
beforeAll(async () => {
  const of = (path: string) => ({ 'prometheus.io/port': '8080', 'prometheus.io/path': path });
  const text = [
    INJECTED_DEFAULT,
    deployment('told', of(METRICS)),
    deployment('failing', of('/status/500')),
    deployment('untold', {}),
    deployment('silenced', { ...of(METRICS), 'prometheus.io/scrape': 'false', ...STATS_WISHES }),
  ].join('\n');
  mesh = await startMesh([{ file: 'metrics.yaml', text }], false);
}, 60_000);
afterAll(() => mesh?.stop());

async function merged(app: string, headers: Record<string, string> = {}) {
  const pod = mesh.sandbox.pods.find(({ labels }) => labels['app'] === app);
  if (pod === undefined) throw new Error(`no pod of ${app}`);
  const response = await fetch(`http://${pod.ip}:15020/stats/prometheus`, { headers });
  return { pod, status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

it('puts the application’s own metrics after those of its proxy', async () => {
  const { status, type, text } = await merged('told');
  expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  expect(text).toContain('\nenvoy_cluster_upstream_cx_total');
  expect(text.endsWith('\napp_orders_total 7\n')).toBe(true);
});

it('puts the agent’s own metrics first', async () => {
  const first = await merged('untold');
  expect(first.text).toMatch(
    /^# HELP istio_agent_cert_expiry_seconds .*\n# TYPE istio_agent_cert_expiry_seconds gauge\n/,
  );
  expect(
    Number(/istio_agent_cert_expiry_seconds\{resource_name="default"\} (\S+)/.exec(first.text)?.[1]),
  ).toBeGreaterThan(0);
  const scrapes = ({ text }: { text: string }) => Number(/^istio_agent_scrapes_total (\d+)$/m.exec(text)?.[1]);
  expect(scrapes(await merged('untold'))).toBe(scrapes(first) + 1);
});

it('names figures of clusters as the proxy’s configuration does, and Prometheus’ labels as Istio’s bootstrap', async () => {
  const { pod, text } = await merged('untold');
  const cluster = 'outbound|15010||istiod.istio-system.svc.cluster.local';
  expect(text).toContain(`\nenvoy_cluster_upstream_rq_total{cluster_name="${cluster}"} `);
  const stats = await (await fetch(`http://${pod.ip}:15000/stats?filter=upstream_rq_total`)).text();
  expect(stats).toContain(`cluster.${cluster};.upstream_rq_total: 0\n`);
});

it('lists the figures that a pod asks for and those that Istio always keeps; without a wish all', async () => {
  const namesOf = async (app: string): Promise<string[]> => {
    const pod = mesh.sandbox.pods.find(({ labels }) => labels['app'] === app)!;
    const lines = (await (await fetch(`http://${pod.ip}:15000/stats`)).text()).split('\n').filter(Boolean);
    return lines.map((line) => line.split(': ')[0]!);
  };
  const all = await namesOf('untold');
  expect(all).toEqual(expect.arrayContaining([expect.stringMatching(/^listener\./), 'runtime.load_success']));
  const kept = await namesOf('silenced');
  const expected =
    /^(cluster\.(outbound|xds-grpc|.*Passthrough.*cx_total$)|http\.127|cluster_manager|listener_manager|server|wasm|component|istio|reporter=|vhost\..*\.route\.)|(rbac\.(allowed|denied)|shadow_(allowed|denied))$/;
  expect(kept.filter((name) => !expected.test(name))).toEqual([]);
  const { ip } = mesh.sandbox.pods.find(({ labels }) => labels['app'] === 'silenced')!;
  const own = (name: string): string => name.replace(/^http\.[\d.]+_/, `http.${ip}_`);
  const others = all.map(own).filter((name) => expected.test(name) && !name.includes(ip));
  expect(others.filter((name) => !kept.includes(name) && !/untold|silenced/.test(name))).toEqual([]);
  expect(kept).toContain('cluster.PassthroughCluster;.upstream_cx_total');
  const prometheus = await merged('silenced');
  expect(prometheus.text).not.toContain('envoy_listener_downstream_cx_total');
});

it('tells the proxy’s metrics when the application fails, and why in the log', async () => {
  const { pod, status, text } = await merged('failing');
  expect(text).toContain('istio_agent_scrape_failures_total{type="application"} 1\n');
  expect(status).toBe(200);
  expect(text).toContain('\nenvoy_cluster_upstream_cx_total');
  expect(pod.logs('istio-proxy').join('\n')).toContain(
    'failed scraping application metrics: error scraping http://localhost:8080/status/500, status code: 500',
  );
});

it.each(['untold', 'silenced'])('asks no application for what nobody wants scraped: %s', async (app) => {
  const { pod, text } = await merged(app);
  expect(text).toContain('\nenvoy_cluster_upstream_cx_total');
  expect(text).not.toContain('app_orders_total');
  expect(pod.logs('istio-proxy').join('\n')).not.toContain('failed scraping');
});

it('compresses for Prometheus as it likes best, unless the settings say otherwise', async () => {
  const encoding = async (app: string, accept: string): Promise<string | null> => {
    const { ip } = mesh.sandbox.pods.find(({ labels }) => labels['app'] === app)!;
    const answer = await fetch(`http://${ip}:15090/stats/prometheus`, { headers: { 'accept-encoding': accept } });
    expect(await answer.text()).toContain('envoy_server_live{} 1\n');
    return answer.headers.get('content-encoding');
  };
  for (const [accept, chosen] of [
    ['gzip', 'gzip'],
    ['br, gzip', 'br'],
    ['gzip;q=0.5, zstd', 'zstd'],
    ['*', 'br'],
    ['identity, gzip', null],
    ['gzip;q=0', null],
  ] as const)
    expect([accept, await encoding('untold', accept)]).toEqual([accept, chosen]);
  expect(await encoding('silenced', 'gzip')).toBeNull();
});

it('takes bounds of histograms and runtime values from a pod’s annotations', async () => {
  const { ip } = mesh.sandbox.pods.find(({ labels }) => labels['app'] === 'silenced')!;
  const page = async (path: string): Promise<string> => (await fetch(`http://${ip}:15000${path}`)).text();
  const buckets = await page('/stats/prometheus?filter=upstream_cx_connect_ms');
  expect(new Set([...buckets.matchAll(/le="([^"]+)"/g)].map(([, bound]) => bound))).toEqual(
    new Set(['1', '77', '+Inf']),
  );
  expect(JSON.parse(await page('/runtime')).entries['a.b'].final_value).toBe('true');
});
