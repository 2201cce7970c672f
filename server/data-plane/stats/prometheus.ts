import type { Histogram } from './histogram.ts';
import { SUPPORTED_QUANTILES } from './histogram-text.ts';
import type { IstioMetrics, MetricFamily } from './istio-metrics.ts';
import { PLAIN_FORM, type StatsForm } from './stats-form.ts';

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** One figure by its dotted name, with labels that the name does not tell. */
export type Figure = readonly [dotted: string, value: number, labels?: Labels | undefined];

/** Envoy's own figures. */
export interface EnvoyFigures {
  readonly figures: readonly Figure[];
  readonly histograms: readonly (readonly [name: string, histogram: Histogram])[];
  readonly isGauge: (name: string) => boolean;
  /** Shown as gauges of 0 with the text as a label. */
  readonly readouts?: readonly (readonly [name: string, text: string])[];
  /** Absent: Istio's own. */
  readonly form?: StatsForm;
  /** Histograms as quantiles instead of buckets. */
  readonly summaries?: boolean;
}

/** What Envoy calls Istio's metrics by: names of theirs begin so. */
const CUSTOM = 'istiocustom';

/** All figures in Prometheus' text format: Istio's metrics, then Envoy's with `envoy_` before them. */
export function prometheusText(own: EnvoyFigures, metrics?: IstioMetrics): string {
  const istio = metrics === undefined ? '' : istioMetricsText(metrics, own.form);
  return `${istio}${figuresText(own)}${histogramsText(own)}`;
}

/** Istio's metrics alone, in the same format. */
export const istioMetricsText = (metrics: IstioMetrics, { boundsOf }: StatsForm = PLAIN_FORM): string =>
  metrics
    .families()
    .map((each) => istioText(each, boundsOf(`${CUSTOM}.${each.name}`)))
    .join('') + buildText(metrics.release);

/** Which build it is that tells all this. Source: istio_stats.cc in istio proxy. */
const buildText = (release: string | undefined): string =>
  release === undefined
    ? ''
    : family('istio_build', 'gauge', [{ labels: { component: 'proxy', tag: release }, value: 1 }]);

function istioText({ name, counters, histograms }: MetricFamily, bounds: readonly number[]): string {
  if (counters.length > 0) return family(name, 'counter', counters);
  if (histograms.length === 0) return '';
  const lines = histograms.map(({ labels, histogram }) => histogramLines({ name, labels, histogram, bounds }));
  return `# TYPE ${name} histogram\n${lines.join('')}`;
}

function family(name: string, type: string, samples: readonly Sample[]): string {
  const lines = samples.map(({ labels, value }) => `${name}${labelText(labels)} ${value}\n`);
  return `# TYPE ${name} ${type}\n${lines.join('')}`;
}

interface Told {
  readonly name: string;
  readonly labels: Labels;
  readonly histogram: Histogram;
  readonly bounds: readonly number[];
}

function histogramLines({ name, labels, histogram, bounds }: Told): string {
  const counts = histogram.cumulative(bounds);
  const lines = bounds.map((bound, i) => `${name}_bucket${labelText({ ...labels, le: String(bound) })} ${counts[i]}\n`);
  return [
    ...lines,
    `${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${histogram.count}\n`,
    ...totalLines(name, labels, histogram),
  ].join('');
}

const totalLines = (name: string, labels: Labels, { sum, count }: Histogram): string[] => [
  `${name}_sum${labelText(labels)} ${precise(sum)}\n`,
  `${name}_count${labelText(labels)} ${count}\n`,
];

function summaryLines({ name, labels, histogram }: Told): string {
  const lines = SUPPORTED_QUANTILES.map((percent) => {
    const value = histogram.quantile(percent / 100);
    const quantile = String(percent / 100);
    return `${name}${labelText({ ...labels, quantile })} ${precise(value)}\n`;
  });
  return [...lines, ...totalLines(name, labels, histogram)].join('');
}

/** As C's `%.32g` prints: every digit that the number has. */
const precise = (value: number): string => (Number.isNaN(value) ? 'nan' : value.toPrecision(32).replace(/\.?0+$/, ''));

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `{${pairs.join(',')}}`;
}

/** Counters, then gauges, then texts. */
function figuresText({ figures, isGauge, readouts = [], form: { tagsOf } = PLAIN_FORM }: EnvoyFigures): string {
  const counters = figures.filter(([dotted]) => !isGauge(dotted));
  const gauges = figures.filter(([dotted]) => isGauge(dotted));
  const texts = readouts.map(([dotted, text_value]) => [dotted, 0, { text_value }] as const);
  return [
    familiesText('counter', counters, tagsOf),
    familiesText('gauge', gauges, tagsOf),
    familiesText('gauge', texts, tagsOf),
  ].join('');
}

function familiesText(type: string, figures: readonly Figure[], tagsOf: StatsForm['tagsOf']): string {
  const families = new Map<string, Sample[]>();
  for (const [dotted, value, further = {}] of figures) {
    const { name, labels } = tagsOf(dotted);
    const samples = families.get(name) ?? [];
    families.set(name, samples);
    samples.push({ labels: { ...labels, ...further }, value });
  }
  return [...families].map(([name, samples]) => family(name, type, samples)).join('');
}

function histogramsText({ histograms, summaries = false, form = PLAIN_FORM }: EnvoyFigures): string {
  const { boundsOf, tagsOf } = form;
  const [type, linesOf] = summaries ? ['summary', summaryLines] : ['histogram', histogramLines];
  const families = new Map<string, string[]>();
  for (const [dotted, histogram] of histograms) {
    const { name, labels } = tagsOf(dotted);
    const lines = families.get(name) ?? [];
    families.set(name, lines);
    lines.push(linesOf({ name, labels, histogram, bounds: boundsOf(dotted) }));
  }
  return [...families].map(([name, lines]) => `# TYPE ${name} ${type}\n${lines.join('')}`).join('');
}
