import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../../server/workloads/prometheus/config.ts';
import { readExposition } from '../../../server/workloads/prometheus/exposition.ts';
import { relabeling, relabelSchema } from '../../../server/workloads/prometheus/relabel.ts';
import { discover } from '../../../server/workloads/prometheus/targets.ts';
import { bodyOf, eventually, type RunningImage, TestNet } from './support.ts';

const CONFIG = `
global: { scrape_interval: 5s }
scrape_configs:
  - job_name: mesh
    metrics_path: /stats/prometheus
    static_configs: [{ targets: ["cart:15020"], labels: { pod: cart-1 } }]
    metric_relabel_configs:
      - { source_labels: [__name__], regex: secret_.*, action: drop }
`;

interface Answered {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly { metric: Record<string, string>; value: [number, string] }[] };
}

describe('prometheus', () => {
  let net: TestNet;
  let prometheus: RunningImage;
  let page: string | undefined;
  let asked = 0;

  beforeEach(async () => {
    net = new TestNet();
    page = 'requests_total{code="200"} 10\nrequests_total{code="503"} 1\nsecret_total 1\n';
    asked = 0;
    await net.serve('cart', (request, response) => {
      asked++;
      response.writeHead(page === undefined || request.url !== '/stats/prometheus' ? 500 : 200).end(page);
    });
    prometheus = await net.run('prometheus', 'prometheus', {}, { files: { '/etc/prometheus/prometheus.yml': CONFIG } });
  });
  afterEach(() => net.close());

  const ask = async (query: string): Promise<Answered> =>
    bodyOf<Answered>(await prometheus.get(`/api/v1/query?query=${encodeURIComponent(query)}`));
  const values = async (query: string): Promise<Record<string, string>> =>
    Object.fromEntries((await ask(query)).data.result.map(({ metric, value }) => [metric['code'] ?? '', value[1]]));

  /** The next look at the target has been kept. */
  const look = async (): Promise<void> => {
    const { lastScrape } = await target();
    net.clock.advance(5000);
    for (let tries = 0; (await target()).lastScrape === lastScrape; tries++)
      if (tries > 200) throw new Error('no look');
  };
  const target = async (): Promise<{ health: string; lastError: string; lastScrape: string; labels: object }> => {
    const { data } = bodyOf<{ data: { activeTargets: Awaited<ReturnType<typeof target>>[] } }>(
      await prometheus.get('/api/v1/targets'),
    );
    return data.activeTargets[0] ?? { health: '', lastError: '', lastScrape: '', labels: {} };
  };

  it('reads its targets at the interval and tells the rate of their counters', async () => {
    await eventually(() => asked === 1);
    for (let turn = 2; turn <= 7; turn++) {
      page = `requests_total{code="200"} ${turn * 10}\nrequests_total{code="503"} ${turn}\n`;
      await look();
    }
    expect(await values('rate(requests_total[20s])')).toEqual({ 200: '2', 503: '0.2' });
    expect(
      await values('sum(rate(requests_total{code="503"}[20s])) / sum(rate(requests_total{code="200"}[20s]))'),
    ).toEqual({
      '': '0.1',
    });
    expect((await ask('requests_total{code="200"}')).data.result[0]?.metric).toEqual({
      __name__: 'requests_total',
      code: '200',
      instance: 'cart:15020',
      job: 'mesh',
      pod: 'cart-1',
    });
  });

  it('drops what relabelling drops', async () => {
    await look();
    expect(await values('secret_total')).toEqual({});
    expect(await values('scrape_samples_scraped')).toEqual({ '': '3' });
    expect(await values('scrape_samples_post_metric_relabeling')).toEqual({ '': '2' });
  });

  it('ends the series of a target that fails, and says why', async () => {
    await look();
    expect(await values('up')).toEqual({ '': '1' });
    page = undefined;
    await look();
    expect(await values('up')).toEqual({ '': '0' });
    expect(await values('requests_total')).toEqual({});
    expect(await target()).toMatchObject({
      health: 'down',
      lastError: 'Get "http://cart:15020/stats/prometheus": server returned HTTP status 500',
      labels: { instance: 'cart:15020', job: 'mesh', pod: 'cart-1' },
    });
  });

  it('answers forms, ranges, labels and mistakes as the API says', async () => {
    await look();
    const form = { method: 'POST', body: 'query=sum(requests_total)' };
    const posted = await prometheus.get('/api/v1/query', form);
    expect(bodyOf<Answered>(posted).data.result[0]?.value[1]).toBe('11');
    const nowS = net.clock.now() / 1000;
    const range = await prometheus.get(`/api/v1/query_range?query=up&start=${nowS - 4}&end=${nowS}&step=2s`);
    expect(bodyOf(range)).toMatchObject({ data: { resultType: 'matrix', result: [{ metric: { __name__: 'up' } }] } });
    const names = bodyOf(await prometheus.get('/api/v1/label/code/values'));
    expect(names).toEqual({ status: 'success', data: ['200', '503'] });
    const wrong = await prometheus.get('/api/v1/query?query=rate(up)');
    expect([wrong.status, bodyOf<Answered>(wrong).error]).toEqual([
      400,
      'invalid parameter "query": 1:6: parse error: expected type range vector in call to function "rate", got instant vector',
    ]);
    const step = await prometheus.get(`/api/v1/query_range?query=up&start=0&end=${nowS}&step=1`);
    expect(bodyOf<Answered>(step).error).toContain('exceeded maximum resolution of 11,000 points');
  });

  it('does not start with a file that it cannot use', async () => {
    const broken = await net.run(
      'prometheus',
      'broken',
      {},
      {
        args: ['--config.file=/etc/config/prometheus.yml'],
        files: { '/etc/config/prometheus.yml': 'global: { scrape_interval: soon }' },
      },
    );
    expect(await broken.exitCode()).toBe(2);
    expect(broken.logs.join('\n')).toContain('not a valid duration string');
    const absent = await net.run('prometheus', 'absent', {}, { args: ['--config.file=/nope.yml'] });
    expect(await absent.exitCode()).toBe(2);
  });
});

describe('what Prometheus reads', () => {
  it('takes labels with escapes, special numbers and times', () => {
    const text = '# HELP a b\n\na{x="1\\"2\\n",y=""} +Inf 1700000000000\nb NaN\nc{ z = "3" , } -1.5e3\n';
    expect(readExposition(text)).toEqual([
      { labels: { __name__: 'a', x: '1"2\n' }, value: Number.POSITIVE_INFINITY },
      { labels: { __name__: 'b' }, value: Number.NaN },
      { labels: { __name__: 'c', z: '3' }, value: -1500 },
    ]);
  });

  it.each(['{a="b"} 1', 'a{b=c} 1', 'a', 'a{b="c" 1', 'a x'])('refuses %s', (line) => {
    expect(() => readExposition(line)).toThrow(/expected/);
  });
});

describe('relabelling', () => {
  const run = (configs: readonly object[], labels: Record<string, string>) =>
    relabeling(configs.map((config) => relabelSchema.parse(config)))(labels);

  it('does each action of Prometheus', () => {
    const labels = { a: 'x', b: 'y', __meta_app: 'cart' };
    expect(run([{ source_labels: ['a', 'b'], regex: 'x;y', action: 'keep' }], labels)).toEqual(labels);
    expect(run([{ source_labels: ['a'], regex: 'x', action: 'drop' }], labels)).toBeUndefined();
    expect(
      run([{ source_labels: ['a', 'b'], regex: '(.);(.)', target_label: 'c', replacement: '$2-$1' }], labels),
    ).toEqual({
      ...labels,
      c: 'y-x',
    });
    expect(run([{ regex: '__meta_(.+)', action: 'labelmap' }], labels)).toEqual({ ...labels, app: 'cart' });
    expect(run([{ regex: 'a|b', action: 'labeldrop' }], labels)).toEqual({ __meta_app: 'cart' });
    expect(run([{ regex: 'a', action: 'labelkeep' }], labels)).toEqual({ a: 'x' });
    expect(run([{ source_labels: ['a'], target_label: 'a', action: 'uppercase' }], labels)).toMatchObject({ a: 'X' });
  });

  it('finds pods by the annotations that injection writes', () => {
    const [job] = readConfig(`scrape_configs:
  - job_name: pods
    kubernetes_sd_configs: [{ role: pod }]
    relabel_configs:
      - { source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], action: keep, regex: "true" }
      - { source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path], regex: (.+), target_label: __metrics_path__ }
      - source_labels: [__meta_kubernetes_pod_ip, __meta_kubernetes_pod_annotation_prometheus_io_port]
        regex: (.+);(\\d+)
        replacement: $1:$2
        target_label: __address__
      - { source_labels: [__meta_kubernetes_pod_name], target_label: pod }
`);
    const pod = (name: string, annotations: Record<string, string>) => ({
      name,
      namespace: 'shop',
      ip: '10.0.0.1',
      ready: true,
      labels: { app: name },
      annotations,
      containers: [
        { name: 'app', init: false, ports: [{ name: 'http', number: 8080 }] },
        { name: 'istio-proxy', init: false, ports: [{ name: 'metrics', number: 15090 }] },
      ],
    });
    const scraped = {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '15020',
      'prometheus.io/path': '/stats/prometheus',
    };
    const found = discover(job!, { addresses: () => [], pods: () => [pod('cart', scraped), pod('batch', {})] });
    expect(found).toEqual([
      {
        job: 'pods',
        url: 'http://10.0.0.1:15020/stats/prometheus',
        labels: { instance: '10.0.0.1:15020', job: 'pods', pod: 'cart' },
      },
    ]);
  });
});
