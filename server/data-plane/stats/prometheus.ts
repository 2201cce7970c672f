import type { Histogram } from './histogram.ts';
import type { IstioMetrics, MetricFamily } from './istio-metrics.ts';

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Envoy's own figures, by their dotted names. */
export interface EnvoyFigures {
  readonly figures: readonly (readonly [name: string, value: number])[];
  readonly histograms: readonly (readonly [name: string, histogram: Histogram])[];
  readonly isGauge: (name: string) => boolean;
}

/** All figures in Prometheus' text format: Istio's metrics, then Envoy's with `envoy_` before them. */
export function prometheusText(own: EnvoyFigures, metrics?: IstioMetrics): string {
  const istio = metrics === undefined ? '' : metrics.families().map(istioText).join('');
  return `${istio}${figuresText(own)}${histogramsText(own)}`;
}

function istioText({ name, counters, histograms }: MetricFamily): string {
  if (counters.length > 0) return family(name, 'counter', counters);
  if (histograms.length === 0) return '';
  const lines = histograms.map(({ labels, histogram }) => histogramLines(name, labels, histogram));
  return `# TYPE ${name} histogram\n${lines.join('')}`;
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

/** Parts of a name become labels, which are called as in the bootstrap of Istio's proxies. The first pattern that fits counts. */
const TAGS = [
  {
    pattern:
      /^cluster\.(.+?)\.((?:(?:external|internal)\.)?upstream_.*|(?:membership_|lb_|outlier_detection\.|circuit_breakers\.|retry_or_shadow|health_check\.|http2\.|ssl\.|ext_authz\.|ratelimit\.|update_|assignment_|max_host_weight|bind_errors|original_dst|version).*)$/,
    scope: 'cluster',
    tag: 'cluster_name',
  },
  {
    pattern:
      /^http\.(.+?)\.((?:downstream_|fault\.|rbac\.|jwt_authn\.|ext_authz\.|tracing\.|no_route|no_cluster|rq_|rs_|passthrough_).*)$/,
    scope: 'http',
    tag: 'http_conn_manager_prefix',
  },
  { pattern: /^listener\.(.+?_\d+)\.(.+)$/, scope: 'listener', tag: 'listener_address' },
  {
    pattern: /^tcp\.(.+?)\.(downstream_.*|idle_timeout|max_.*|upstream_.*|early_.*)$/,
    scope: 'tcp',
    tag: 'tcp_prefix',
  },
];

function figuresText({ figures, isGauge }: EnvoyFigures): string {
  const families = new Map<string, { readonly gauge: boolean; readonly samples: Sample[] }>();
  for (const [dotted, value] of figures) {
    const { name, labels } = tagged(dotted);
    const held = families.get(name);
    if (held === undefined) families.set(name, { gauge: isGauge(dotted), samples: [{ labels, value }] });
    else held.samples.push({ labels, value });
  }
  return [...families].map(([name, { gauge, samples }]) => family(name, gauge ? 'gauge' : 'counter', samples)).join('');
}

function histogramsText({ histograms }: EnvoyFigures): string {
  const families = new Map<string, string[]>();
  for (const [dotted, histogram] of histograms) {
    const { name, labels } = tagged(dotted);
    const lines = families.get(name) ?? [];
    families.set(name, lines);
    lines.push(histogramLines(name, labels, histogram));
  }
  return [...families].map(([name, lines]) => `# TYPE ${name} histogram\n${lines.join('')}`).join('');
}

const CODE = /^(.*(?:down|up)stream_rq)_(?:(\d)xx|(\d{3}))$/;
const LISTENER_HTTP = /^http\.(.+)\.(downstream_rq_.*)$/;

function tagged(dotted: string): { name: string; labels: Labels } {
  for (const { pattern, scope, tag } of TAGS) {
    const found = pattern.exec(dotted);
    if (found === null) continue;
    const nested = scope === 'listener' ? LISTENER_HTTP.exec(found[2]!) : null;
    const rest = nested === null ? found[2]! : `http.${nested[2]}`;
    const code = CODE.exec(rest);
    const labels = {
      ...(code?.[2] !== undefined && { response_code_class: code[2] }),
      ...(code?.[3] !== undefined && { response_code: code[3] }),
      ...(nested !== null && { http_conn_manager_prefix: nested[1]! }),
      [tag]: found[1]!,
    };
    const plain = code === null ? rest : `${code[1]}${code[2] === undefined ? '' : '_xx'}`;
    return { name: metricName(`${scope}.${plain}`), labels };
  }
  return { name: metricName(dotted), labels: {} };
}

const metricName = (dotted: string): string => `envoy_${dotted.replace(/[^a-zA-Z0-9_]/g, '_')}`;
