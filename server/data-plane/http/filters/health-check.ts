import type { Any, HeaderMatcher } from '#xds';
import { ConfigProblem } from '../../config/problem.ts';
import { compileConditions, splitPath } from '../../config/route-condition.ts';
import type { Exchange } from '../exchange.ts';
import type { FilterParts } from './filter-parts.ts';

/** envoy.extensions.filters.http.health_check.v3.HealthCheck without its cache. */
export interface HealthCheckPlan {
  readonly concerns: (exchange: Exchange) => boolean;
  /** The host answers, and this proxy only when it is to be out of service. */
  readonly passes: boolean;
  /** So many percent of a cluster's hosts must be healthy. */
  readonly clusters: readonly { readonly name: string; readonly percent: number }[];
}

export function readHealthCheck(config: Any): HealthCheckPlan {
  if (config['cache_time'] !== undefined) throw new ConfigProblem('cache_time', 'is not supported');
  const headers = (config['headers'] ?? []) as HeaderMatcher[];
  const conditions = compileConditions({ prefix: '', headers });
  const clusters = (config['cluster_min_healthy_percentages'] ?? {}) as Readonly<Record<string, { value?: number }>>;
  return {
    concerns: ({ head }) => conditions.every((condition) => condition(splitPath(head)) === undefined),
    passes: config['pass_through_mode'] === true,
    clusters: Object.entries(clusters).map(([name, { value = 0 }]) => ({ name, percent: value })),
  };
}

/** Requests that are checks. */
const asked = new WeakSet<Exchange>();

/** Envoy's health_check filter: answers who asks whether this proxy, or what is behind it, is well. Such requests are not counted. */
export const healthCheck = (plan: HealthCheckPlan): FilterParts => ({
  figures: { 'health_check.': FIGURES },
  encode(exchange, { headers }) {
    if (asked.has(exchange)) headers.set('x-envoy-upstream-healthchecked-cluster', exchange.runtime.self.node.cluster);
    return undefined;
  },
  decode(exchange) {
    if (!plan.concerns(exchange)) return 'next';
    const { runtime, stats } = exchange;
    exchange.uncounted = true;
    stats.count('tracing.health_check');
    asked.add(exchange);
    if (plan.passes && !runtime.health.failed) return 'next';
    // As in Envoy, the whole request is taken first.
    if (exchange.requestEnded) answer(exchange, plan);
    else exchange.attachBody({ data: ignore, end: () => answer(exchange, plan), reset: ignore, drain: ignore });
    return 'wait';
  },
});

const ignore = (): void => undefined;

function answer(exchange: Exchange, plan: HealthCheckPlan): void {
  const { runtime, stats } = exchange;
  const failure = runtime.health.failed ? '' : failureOf(exchange, plan);
  stats.count('health_check.request_total');
  stats.count(failure === undefined ? 'health_check.ok' : 'health_check.failed');
  if (failure === undefined) {
    const details = plan.clusters.length === 0 ? 'health_check_ok' : 'health_check_ok_cluster_healthy';
    exchange.reply({ status: 200, details });
    return;
  }
  if (failure !== '') stats.count(`health_check.failed_${FAILURES[failure]}`);
  exchange.reply({ status: 503, flag: 'LH', details: `health_check_failed${failure === '' ? '' : `_${failure}`}` });
}

const FIGURES: readonly string[] = [
  ...['cached_response', 'degraded', 'failed', 'failed_cluster_empty', 'failed_cluster_not_found'],
  ...['failed_cluster_unhealthy', 'ok', 'request_total'],
];

/** What the details call it, and what its figure is called. */
const FAILURES = {
  no_cluster_found: 'cluster_not_found',
  cluster_empty: 'cluster_empty',
  cluster_unhealthy: 'cluster_unhealthy',
} as const;

/** What is wrong with the first cluster that is not well; undefined: all are. */
function failureOf({ runtime }: Exchange, { clusters }: HealthCheckPlan): keyof typeof FAILURES | undefined {
  for (const { name, percent } of clusters) {
    const hosts = runtime.clusters.get(name)?.hosts;
    if (hosts === undefined) return 'no_cluster_found';
    if (hosts.length === 0 && percent > 0) return 'cluster_empty';
    if (hosts.filter(({ healthy }) => healthy).length * 100 < percent * hosts.length) return 'cluster_unhealthy';
  }
  return undefined;
}
