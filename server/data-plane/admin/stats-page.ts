import type { RE2JS } from 're2js';
import type { Histogram } from '../stats/histogram.ts';
import { histogramLine, histogramsJson } from '../stats/histogram-text.ts';
import { type Figure, prometheusText } from '../stats/prometheus.ts';
import { shownNames } from '../stats/shown-names.ts';
import type { StatsForm } from '../stats/stats-form.ts';
import { wasUsed } from '../stats/used-figures.ts';
import { compileRe2, html, type Page, type PageContext, text } from './page.ts';
import { statsHtml } from './stats-html.ts';

const TYPES = ['All', 'Counters', 'Histograms', 'Gauges', 'TextReadouts'] as const;
type StatType = (typeof TYPES)[number];
/** `none` is `summary`. */
const BUCKETS = ['cumulative', 'disjoint', 'detailed', 'summary', 'prometheusnative'] as const;
type BucketMode = (typeof BUCKETS)[number];
const HIDDEN = ['include', 'only', 'exclude'];

interface Shown {
  readonly readouts: readonly (readonly [name: string, text: string])[];
  readonly figures: readonly Figure[];
  readonly histograms: readonly (readonly [name: string, histogram: Histogram])[];
  readonly isGauge: (name: string) => boolean;
}

interface StatsQuery {
  readonly usedOnly: boolean;
  readonly type: StatType;
  readonly matches: (name: string) => boolean;
  readonly filtered: boolean;
  readonly buckets: BucketMode;
}

/** `/stats`. Source: StatsHandler and StatsParams in source/server/admin of Envoy. */
export function statsPage(context: PageContext, query: URLSearchParams): Page {
  const format = query.get('format') || 'text';
  if (format === 'prometheus') return prometheusPage(context, query);
  if (!['text', 'json', 'html', 'active-html'].includes(format)) {
    return text('usage: /stats?format=(html|active-html|json|prometheus|text)\n\n', 400);
  }
  const wanted = readQuery(query);
  if ('status' in wanted) return wanted;
  if (wanted.buckets === 'prometheusnative') {
    return text('Invalid histogram_buckets type for non prometheus stats type', 400);
  }
  const shown = select(context, wanted);
  const { boundsOf } = context.form;
  if (format === 'json')
    return { status: 200, type: 'application/json', body: jsonText(shown, wanted.buckets, boundsOf) };
  const lines = plainLines(shown, wanted.buckets, boundsOf);
  return format === 'text' ? text(lines) : html(statsHtml(lines, query));
}

const NATIVE_NEEDS_PROTOBUF = 'unsupported prometheusnative histogram type when not using protobuf exposition format';

/** `/stats/prometheus`: of all types, whatever `type` says. */
export function prometheusPage(context: PageContext, query: URLSearchParams): Page {
  const asked = readQuery(query);
  if ('status' in asked) return asked;
  const wanted: StatsQuery = { ...asked, type: 'All' };
  const mode = query.get('histogram_buckets') ? asked.buckets : 'cumulative';
  if (mode === 'prometheusnative') return text(NATIVE_NEEDS_PROTOBUF, 400);
  if (mode !== 'cumulative' && mode !== 'summary') return text('unsupported prometheus histogram bucket mode', 400);
  const { readouts, ...shown } = select(context, wanted);
  return text(
    prometheusText(
      {
        ...shown,
        form: context.form,
        readouts: query.has('text_readouts') ? readouts : [],
        summaries: mode === 'summary',
      },
      wanted.filtered ? undefined : context.metrics,
    ),
  );
}

function readQuery(query: URLSearchParams): StatsQuery | Page {
  const type = TYPES.find((name) => name === (query.get('type') || 'All'));
  if (type === undefined) return text('invalid &type= param', 400);
  const named = query.get('histogram_buckets');
  const buckets = BUCKETS.find((mode) => mode === (named && named !== 'none' ? named : 'summary'));
  if (buckets === undefined) return text(`usage: /stats?histogram_buckets=(${BUCKETS.join('|')})\n`, 400);
  const hidden = query.get('hidden') ?? 'exclude';
  if (!HIDDEN.includes(hidden)) return text('usage: /stats?hidden=(include|only|exclude)\n\n', 400);
  const filter = query.get('filter') ?? '';
  let pattern: RE2JS | undefined;
  if (filter !== '') {
    const compiled = compileRe2(filter);
    if ('reason' in compiled) return text(`Invalid re2 regex: ${compiled.reason}`, 400);
    pattern = compiled.pattern;
  }
  const inverted = query.has('invert_filter');
  return {
    usedOnly: query.has('usedonly'),
    type,
    buckets,
    filtered: pattern !== undefined,
    // Nothing is hidden.
    matches: (name) => hidden !== 'only' && (pattern === undefined || pattern.matcher(name).find() !== inverted),
  };
}

/** What is shown under its public names. Clusters that share one share their figures, too. */
function select(
  { stats, clusters, textReadouts, includesStat }: PageContext,
  { usedOnly, type, matches: asked }: StatsQuery,
): Shown {
  const matches = (name: string): boolean => includesStat(name) && asked(name);
  const shown = shownNames(clusters().map(({ config }) => config));
  const has = (kind: StatType): boolean => type === 'All' || type === kind;
  const gauges = new Set<string>();
  const figures = new Map<string, number>();
  const labels = new Map<string, Readonly<Record<string, string>>>();
  const values = stats.complete();
  for (const [own, value] of values) {
    const name = shown(own);
    const isGauge = stats.isGauge(own);
    if (isGauge) gauges.add(name);
    if (!has(isGauge ? 'Gauges' : 'Counters') || !matches(name)) continue;
    if (usedOnly && value === 0 && !wasUsed(own, values)) continue;
    figures.set(name, (figures.get(name) ?? 0) + value);
    const further = stats.labelsOf(own);
    if (further !== undefined) labels.set(name, further);
  }
  const histograms = new Map<string, Histogram>();
  for (const [own, histogram] of stats.histograms()) {
    const name = shown(own);
    if (!has('Histograms') || (usedOnly && histogram.count === 0) || !matches(name)) continue;
    histograms.set(name, histograms.get(name)?.with(histogram) ?? histogram);
  }
  return {
    readouts: [...textReadouts()].filter(([name]) => has('TextReadouts') && matches(name)),
    figures: [...figures].map(([name, value]) => [name, value, labels.get(name)] as const),
    histograms: [...histograms],
    isGauge: (name) => gauges.has(name),
  };
}

type BoundsOf = StatsForm['boundsOf'];

const plainLines = ({ readouts, figures, histograms }: Shown, buckets: BucketMode, boundsOf: BoundsOf): string =>
  [
    ...readouts.map(([name, value]) => `${name}: "${value}"\n`),
    ...figures.map(([name, value]) => `${name}: ${value}\n`),
    ...histograms.map(([name, histogram]) => histogramLine(name, histogram, buckets, boundsOf(name))),
  ].join('');

function jsonText({ readouts, figures, histograms }: Shown, buckets: BucketMode, boundsOf: BoundsOf): string {
  const stats: object[] = [...readouts, ...figures].map(([name, value]) => ({ name, value }));
  if (histograms.length > 0) stats.push({ histograms: histogramsJson(histograms, buckets, boundsOf) });
  return JSON.stringify({ stats });
}
