import type { Histogram } from './histogram.ts';
import { SUPPORTED_QUANTILES } from './histogram-text.ts';
import type { IstioMetrics, MetricFamily } from './istio-metrics.ts';
import { extractTags } from './tags.ts';

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
  /** Histograms as quantiles instead of buckets. */
  readonly summaries?: boolean;
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

function summaryLines(name: string, labels: Labels, histogram: Histogram): string {
  const lines = SUPPORTED_QUANTILES.map((percent) => {
    const value = histogram.quantile(percent / 100);
    const quantile = String(percent / 100);
    return `${name}${labelText({ ...labels, quantile })} ${Number.isNaN(value) ? 'NaN' : value}\n`;
  });
  const all = labelText(labels);
  return `${lines.join('')}${name}_sum${all} ${histogram.sum}\n${name}_count${all} ${histogram.count}\n`;
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `{${pairs.join(',')}}`;
}

function figuresText({ figures, isGauge }: EnvoyFigures): string {
  const families = new Map<string, { readonly gauge: boolean; readonly samples: Sample[] }>();
  for (const [dotted, value] of figures) {
    const { name, labels } = extractTags(dotted);
    const held = families.get(name);
    if (held === undefined) families.set(name, { gauge: isGauge(dotted), samples: [{ labels, value }] });
    else held.samples.push({ labels, value });
  }
  return [...families].map(([name, { gauge, samples }]) => family(name, gauge ? 'gauge' : 'counter', samples)).join('');
}

function histogramsText({ histograms, summaries = false }: EnvoyFigures): string {
  const [type, linesOf] = summaries ? ['summary', summaryLines] : ['histogram', histogramLines];
  const families = new Map<string, string[]>();
  for (const [dotted, histogram] of histograms) {
    const { name, labels } = extractTags(dotted);
    const lines = families.get(name) ?? [];
    families.set(name, lines);
    lines.push(linesOf(name, labels, histogram));
  }
  return [...families].map(([name, lines]) => `# TYPE ${name} ${type}\n${lines.join('')}`).join('');
}
