import type { Labels } from '../../server/workloads/prometheus/promql/index.ts';

/** A series of a made-up mesh: values at equal steps; undefined: not scraped. */
export interface MadeSeries {
  readonly labels: Labels;
  readonly values: readonly (number | undefined)[];
}

export const STEP_MS = 5000;
export const STEPS = 120;

const BOUNDS = ['0.5', '1', '5', '10', '25', '50', '100', '250', '500', '1000', '+Inf'];

/** Grows by `step`, and begins again at 0 where the process restarts. */
const counter = (step: (i: number) => number, restartAt = Number.NaN): number[] => {
  let total = 0;
  return Array.from({ length: STEPS }, (_, i) => {
    total = i === restartAt ? 0 : total + step(i);
    return total;
  });
};

const from = (first: number, values: readonly number[], until = STEPS): (number | undefined)[] =>
  values.map((value, i) => (i >= first && i < until ? value : undefined));

/** What an hour of Istio's metrics looks like: two reporters, three services, a restart, a pod that came late and one that went. */
export function madeMesh(): MadeSeries[] {
  const all: MadeSeries[] = [];
  for (const reporter of ['source', 'destination'])
    for (const [n, destination] of ['cart', 'inventory', 'payments'].entries())
      for (const [m, response_code] of ['200', '503'].entries()) {
        if (reporter === 'destination' && response_code === '503') continue;
        const pace = counter(
          (i) => ((i * 7 + n * 3 + m) % 5) + (m === 0 ? 10 + n : i % (n + 2) === 0 ? 1 : 0),
          n === 1 ? 60 : Number.NaN,
        );
        all.push({
          labels: {
            __name__: 'istio_requests_total',
            reporter,
            response_code,
            destination_workload: destination,
            destination_service: `${destination}.shop.svc.cluster.local`,
            response_flags: m === 0 ? '-' : 'UO',
          },
          values: n === 2 ? from(70, pace) : from(0, pace, m === 1 && n === 0 ? 100 : STEPS),
        });
      }
  for (const [n, pod] of ['inventory-a', 'inventory-b'].entries())
    for (const [i, le] of BOUNDS.entries())
      all.push({
        labels: { __name__: 'istio_request_duration_milliseconds_bucket', pod, le },
        values: counter((t) => Math.min(6, Math.round((i * (n === 0 ? 3 : 1.2)) % 7) + i) + (t % 3)),
      });
  for (const [n, pod] of ['cart-1', 'inventory-a', 'inventory-b'].entries())
    all.push({
      labels: { __name__: 'envoy_cluster_upstream_rq_pending_active', pod },
      values: Array.from({ length: STEPS }, (_, i) => (i * (n + 3)) % 11),
    });
  for (const [n, pod] of ['cart-1', 'inventory-a', 'inventory-b'].entries())
    all.push({
      labels: { __name__: 'pod_info', pod, node: n === 0 ? 'eu' : 'us' },
      values: counter(() => 0).map(() => 1),
    });
  return all;
}

/** What the course, Istio's dashboards and a curious learner ask. */
export const QUERIES: readonly string[] = [
  'istio_requests_total',
  'istio_requests_total{reporter="source",response_code!~"2.."}',
  'istio_requests_total offset 2m',
  'istio_requests_total @ end()',
  'rate(istio_requests_total[1m])',
  'rate(istio_requests_total[3m])',
  'increase(istio_requests_total{reporter="source"}[2m])',
  'irate(istio_requests_total[1m])',
  'sum(rate(istio_requests_total[1m]))',
  'sum by (destination_workload) (rate(istio_requests_total{reporter="source"}[1m]))',
  'sum(rate(istio_requests_total{reporter="source",response_code=~"5.*"}[1m])) by (destination_workload) / sum(rate(istio_requests_total{reporter="source"}[1m])) by (destination_workload)',
  'round(sum(irate(istio_requests_total{reporter="destination"}[1m])), 0.001)',
  'sum(irate(istio_requests_total{reporter=~"source",response_code!~"5.*"}[5m])) / sum(irate(istio_requests_total{reporter=~"source"}[5m]))',
  'sum without (reporter, response_flags) (istio_requests_total)',
  'histogram_quantile(0.99, sum by (le) (rate(istio_request_duration_milliseconds_bucket[1m])))',
  'histogram_quantile(0.5, sum(irate(istio_request_duration_milliseconds_bucket[1m])) by (le)) / 1000',
  'histogram_quantile(0.99, sum by (le, pod) (rate(istio_request_duration_milliseconds_bucket[2m])))',
  'histogram_quantile(0.9, rate(istio_request_duration_milliseconds_bucket[1m]))',
  'histogram_quantile(2, rate(istio_request_duration_milliseconds_bucket[1m]))',
  'label_join(sum by (destination_workload) (istio_requests_total), "to", ".", "destination_workload", "nothing")',
  'label_replace(istio_requests_total, "svc", "$1", "destination_service", "([^.]+)\\\\..*")',
  'topk(2, sum by (destination_workload) (rate(istio_requests_total[2m])))',
  'bottomk(1, envoy_cluster_upstream_rq_pending_active)',
  'count(istio_requests_total) by (response_code)',
  'count_values("n", envoy_cluster_upstream_rq_pending_active)',
  'quantile(0.5, envoy_cluster_upstream_rq_pending_active)',
  'stddev(envoy_cluster_upstream_rq_pending_active)',
  'stdvar by (pod) (envoy_cluster_upstream_rq_pending_active)',
  'avg(envoy_cluster_upstream_rq_pending_active)',
  'min(envoy_cluster_upstream_rq_pending_active)',
  'max(envoy_cluster_upstream_rq_pending_active)',
  'group(envoy_cluster_upstream_rq_pending_active)',
  'envoy_cluster_upstream_rq_pending_active * on (pod) group_left (node) pod_info',
  'sum by (node) (envoy_cluster_upstream_rq_pending_active * on (pod) group_left (node) pod_info)',
  'pod_info * on (pod) envoy_cluster_upstream_rq_pending_active',
  'pod_info * ignoring (node) envoy_cluster_upstream_rq_pending_active',
  'envoy_cluster_upstream_rq_pending_active > 3',
  'envoy_cluster_upstream_rq_pending_active > bool 3',
  '3 < envoy_cluster_upstream_rq_pending_active',
  '(istio_requests_total > 100) and on (destination_workload) istio_requests_total{response_code="503"}',
  'istio_requests_total{response_code="200"} unless on (destination_workload) istio_requests_total{response_code="503"}',
  'sum(istio_requests_total{response_code="429"}) or vector(0)',
  'envoy_cluster_upstream_rq_pending_active or pod_info',
  'absent(istio_requests_total{response_code="429"})',
  'absent(istio_requests_total)',
  'scalar(sum(pod_info))',
  'vector(time()) - time()',
  'timestamp(pod_info)',
  'delta(envoy_cluster_upstream_rq_pending_active[1m])',
  'idelta(envoy_cluster_upstream_rq_pending_active[1m])',
  'deriv(envoy_cluster_upstream_rq_pending_active[2m])',
  'predict_linear(envoy_cluster_upstream_rq_pending_active[2m], 60)',
  'changes(envoy_cluster_upstream_rq_pending_active[2m])',
  'resets(istio_requests_total[9m])',
  'avg_over_time(envoy_cluster_upstream_rq_pending_active[1m])',
  'max_over_time(envoy_cluster_upstream_rq_pending_active[1m])',
  'min_over_time(envoy_cluster_upstream_rq_pending_active[1m])',
  'sum_over_time(envoy_cluster_upstream_rq_pending_active[1m])',
  'count_over_time(istio_requests_total[1m])',
  'last_over_time(istio_requests_total[1m])',
  'stddev_over_time(envoy_cluster_upstream_rq_pending_active[1m])',
  'quantile_over_time(0.9, envoy_cluster_upstream_rq_pending_active[2m])',
  'max_over_time(sum(rate(istio_requests_total[1m]))[5m:30s])',
  'sum_over_time(pod_info[2m:10s])',
  'clamp_max(envoy_cluster_upstream_rq_pending_active, 5)',
  'clamp(envoy_cluster_upstream_rq_pending_active, 2, 5)',
  'sqrt(envoy_cluster_upstream_rq_pending_active)',
  'ln(envoy_cluster_upstream_rq_pending_active + 1)',
  '-envoy_cluster_upstream_rq_pending_active',
  '1 + 2 * 3 ^ 2 - -4',
  '2 ^ 3 ^ 2',
  '-1 ^ 2',
  '7 % 4',
  '1 / 0',
  '1 == bool 1',
  'envoy_cluster_upstream_rq_pending_active % 4',
  'envoy_cluster_upstream_rq_pending_active ^ 2',
  '{__name__=~"pod_.*"}',
  'sort_desc(envoy_cluster_upstream_rq_pending_active)',
  'rate(istio_requests_total{destination_workload="payments"}[4m])',
  'increase(istio_requests_total{destination_workload="inventory"}[4m])',
  'hour()',
  'sum(rate(istio_requests_total{reporter="source"}[1m])) - sum(rate(istio_requests_total{reporter="destination"}[1m]))',
  'istio_requests_total[1m]',
];

/** What a learner types wrongly. */
export const MISTAKES: readonly string[] = [
  'rate(istio_requests_total)',
  'sum by up',
  'up{a=b}',
  'foo(1)',
  '{}',
  'up > bool',
  '1 > 2',
  'up and 1',
  'sum(up, up)',
  'up[5m',
  'up offset',
  '"a',
  'up $',
  'rate(up[5m]) by (x)',
  'histogram_quantile(up)',
  'sum()',
  'topk(up)',
  'up{job="p"',
  'sum(rate(up[1m])',
  'rate(up[1m] offset 1m)[5m]',
  'sum(up[5m])',
  'up + on (pod) up',
  'pod_info * on () group_left () pod_info',
  'envoy_cluster_upstream_rq_pending_active * on (node) pod_info',
  'pod_info + envoy_cluster_upstream_rq_pending_active{',
  '',
];
