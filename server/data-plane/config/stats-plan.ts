import type { Any } from '#xds';
import { type CelValueReader, compileCelValue } from '../format/cel.ts';
import { ConfigProblem } from './problem.ts';

/** Istio's metrics, without the `istio_` that they are shown with. */
export const METRIC_NAMES = [
  'requests_total',
  'request_duration_milliseconds',
  'request_bytes',
  'response_bytes',
  'request_messages_total',
  'response_messages_total',
  'tcp_connections_opened_total',
  'tcp_connections_closed_total',
  'tcp_sent_bytes_total',
  'tcp_received_bytes_total',
] as const;

export type MetricName = (typeof METRIC_NAMES)[number];

/** What becomes of a label: it is left out, or gets the value of an expression. */
export type LabelChange = 'removed' | CelValueReader;

/** One statistics filter of Istio's (`istio.stats`): which metrics are counted, and how their labels differ. */
export interface StatsPlan {
  /** Whether a request that no cluster takes is counted for the host that it names. */
  readonly hostFallback: boolean;
  readonly dropped: ReadonlySet<MetricName>;
  /** Changes of labels by metric and label, labels in alphabetical order. */
  readonly changes: ReadonlyMap<MetricName, ReadonlyMap<string, LabelChange>>;
  /** Labels depend on more than who talked to whom. */
  readonly evaluates: boolean;
}

/** The name under which Istio puts the filter among network and HTTP filters. */
export const STATS_FILTER = 'istio.stats';

interface MetricJson {
  readonly name?: string;
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly tags_to_remove?: readonly string[];
  readonly drop?: boolean;
}

interface PluginJson {
  readonly disable_host_header_fallback?: boolean;
  readonly metrics?: readonly MetricJson[];
}

/** Reads a `stats.PluginConfig`. Source: the filter istio_stats, Envoy's contrib. */
export function readStatsPlan(config: Any | undefined): StatsPlan {
  const { disable_host_header_fallback, metrics = [] } = (config ?? {}) as PluginJson;
  const dropped = new Set<MetricName>();
  const changes = new Map<MetricName, Map<string, LabelChange>>();
  for (const metric of metrics) {
    for (const name of namesOf(metric)) {
      if (metric.drop === true) dropped.add(name);
      else changes.set(name, new Map([...(changes.get(name) ?? []), ...labelChanges(metric)]));
    }
  }
  return {
    hostFallback: disable_host_header_fallback !== true,
    dropped,
    changes,
    evaluates: [...changes.values()].some((labels) => [...labels.values()].some((change) => change !== 'removed')),
  };
}

/** A metric without a name stands for all of them; one that Istio does not have, for none. */
const namesOf = ({ name = '' }: MetricJson): readonly MetricName[] =>
  METRIC_NAMES.filter((known) => name === '' || name === known);

function labelChanges({ dimensions = {}, tags_to_remove = [] }: MetricJson): [string, LabelChange][] {
  const removed = tags_to_remove.map((label): [string, LabelChange] => [label, 'removed']);
  const set = Object.entries(dimensions)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, expression]): [string, LabelChange] => [label, compile(expression)]);
  return [...removed, ...set];
}

/** As in Istio, a label whose expression cannot be read is left out; the proxy serves on. */
function compile(expression: string): LabelChange {
  try {
    return compileCelValue(expression, 'dimensions', 'istio');
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) return 'removed';
    throw thrown;
  }
}
