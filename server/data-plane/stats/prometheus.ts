import type { StatValues } from '../doors.ts';
import type { Histogram, IstioMetrics, TcpSeries } from './istio-metrics.ts';

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** All figures in Prometheus' text format: Istio's metrics, then Envoy's with `envoy_` before them. */
export function prometheusText(values: StatValues, metrics?: IstioMetrics): string {
  const istio = metrics === undefined ? '' : `${istioText(metrics)}${istioTcpText(metrics)}`;
  return `${istio}${envoyText(values)}`;
}

function istioTcpText(metrics: IstioMetrics): string {
  const series = metrics.tcpSeries();
  if (series.length === 0) return '';
  const counter = (name: string, pick: (one: TcpSeries) => number): string =>
    family(
      name,
      'counter',
      series.map((one) => ({ labels: one.labels, value: pick(one) })),
    );
  return [
    counter('istio_tcp_connections_opened_total', (one) => one.opened),
    counter('istio_tcp_connections_closed_total', (one) => one.closed),
    counter('istio_tcp_sent_bytes_total', (one) => one.sentBytes),
    counter('istio_tcp_received_bytes_total', (one) => one.receivedBytes),
  ].join('');
}

function istioText(metrics: IstioMetrics): string {
  const series = metrics.series();
  if (series.length === 0) return '';
  const requests = series.map(({ labels, requests: value }) => ({ labels, value }));
  const histogram = (name: string, pick: (one: (typeof series)[number]) => Histogram): string =>
    `# TYPE ${name} histogram\n${series.map((one) => histogramLines(name, one.labels, pick(one))).join('')}`;
  return [
    family('istio_requests_total', 'counter', requests),
    histogram('istio_request_duration_milliseconds', (one) => one.duration),
    histogram('istio_request_bytes', (one) => one.requestBytes),
    histogram('istio_response_bytes', (one) => one.responseBytes),
  ].join('');
}

function family(name: string, type: string, samples: readonly Sample[]): string {
  const lines = samples.map(({ labels, value }) => `${name}${labelText(labels)} ${value}\n`);
  return `# TYPE ${name} ${type}\n${lines.join('')}`;
}

function histogramLines(name: string, labels: Labels, histogram: Histogram): string {
  let sum = 0;
  const lines = histogram.bounds.map((bound, i) => {
    sum += histogram.counts[i]!;
    return `${name}_bucket${labelText({ ...labels, le: String(bound) })} ${sum}\n`;
  });
  return [
    ...lines,
    `${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${histogram.count}\n`,
    `${name}_sum${labelText(labels)} ${histogram.sum}\n`,
    `${name}_count${labelText(labels)} ${histogram.count}\n`,
  ].join('');
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Envoy's tag extraction, as far as our names need it: the cluster and the connection manager's prefix become labels. */
const TAGS = [
  {
    pattern: /^cluster\.(.+?)\.((?:upstream_|membership_|lb_|outlier_detection|circuit_breakers|retry_or_shadow).*)$/,
    scope: 'cluster',
    tag: 'cluster_name',
  },
  {
    pattern: /^http\.(.+?)\.((?:downstream_|fault\.|no_route|no_cluster|rq_).*)$/,
    scope: 'http',
    tag: 'http_conn_manager_prefix',
  },
  { pattern: /^listener\.(.+)\.(downstream_.*|no_filter_chain_match)$/, scope: 'listener', tag: 'listener_address' },
  { pattern: /^tcp\.(.+?)\.(downstream_.*|idle_timeout)$/, scope: 'tcp', tag: 'tcp_prefix' },
];

function envoyText(values: StatValues): string {
  const families = new Map<string, Sample[]>();
  for (const [dotted, value] of values) {
    const { name, labels } = tagged(dotted);
    const samples = families.get(name);
    if (samples === undefined) families.set(name, [{ labels, value }]);
    else samples.push({ labels, value });
  }
  return [...families]
    .map(([name, samples]) =>
      family(
        name,
        /_active$|_active_clusters$|_warming|_open$|membership_|^envoy_server_|connected_state$/.test(name)
          ? 'gauge'
          : 'counter',
        samples,
      ),
    )
    .join('');
}

function tagged(dotted: string): { name: string; labels: Labels } {
  for (const { pattern, scope, tag } of TAGS) {
    const found = pattern.exec(dotted);
    if (found === null) continue;
    const code = /^((?:down|up)stream_rq)_(?:(\dxx)|(\d{3}))$/.exec(found[2]!);
    const codeLabels: Record<string, string> = {};
    if (code?.[2] !== undefined) codeLabels['response_code_class'] = code[2];
    if (code?.[3] !== undefined) codeLabels['response_code'] = code[3];
    const rest = code === null ? found[2]! : `${code[1]}${code[2] === undefined ? '' : '_xx'}`;
    return { name: metricName(`${scope}.${rest}`), labels: { ...codeLabels, [tag]: found[1]! } };
  }
  return { name: metricName(dotted), labels: {} };
}

const metricName = (dotted: string): string => `envoy_${dotted.replace(/[^a-zA-Z0-9_]/g, '_')}`;
