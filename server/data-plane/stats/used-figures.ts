/** What Envoy sets to 0 from its start, or with the first hosts of a cluster. */
const SET_AT_ONCE =
  /^(server\.(state|total_connections|compilation_settings\.fips_mode|days_until_first_cert_expiring|(dynamic|static)_unknown_fields)|cluster_manager\.warming_clusters|listener_manager\.total_listeners_warming|cluster\..*\.warming_state)$/;

/** Gauges that have moved once a counter beside them has; `$1` stands for what the gauge's name has there. */
const MOVED_WITH: readonly (readonly [gauge: RegExp, counter: string])[] = [
  [/downstream_(?:pre_)?cx_active$/, 'downstream_cx_total'],
  [/downstream_rq_active$/, 'downstream_rq_total'],
  [/downstream_cx_(http1|http2|ssl|upgrades)_active$/, 'downstream_cx_$1_total'],
  [/(down|up)stream_cx_rx_bytes_buffered$/, '$1stream_cx_rx_bytes_total'],
  [/upstream_cx_active$|circuit_breakers\.default\.cx_open$/, 'upstream_cx_total'],
  [/upstream_rq_active$|circuit_breakers\.default\.rq_open$/, 'upstream_rq_total'],
  [/upstream_rq_pending_active$|circuit_breakers\.default\.rq_pending_open$/, 'upstream_rq_pending_total'],
  [/circuit_breakers\.default\.rq_retry_open$/, 'upstream_rq_retry'],
  [/circuit_breakers\.default\.cx_pool_open$/, 'upstream_cx_http1_total'],
  [/circuit_breakers\.default\.cx_pool_open$/, 'upstream_cx_http2_total'],
  [/membership_(?:degraded|excluded|healthy|total)$/, 'membership_change'],
];

/**
 * Whether `usedonly` shows a figure that is 0: one that was set to it, as Envoy counts uses. Here nobody notes that a gauge was moved and came
 * back, so counters that move with it tell.
 */
export function wasUsed(name: string, values: ReadonlyMap<string, number>): boolean {
  if (SET_AT_ONCE.test(name)) return true;
  return MOVED_WITH.some(([gauge, counter]) => {
    const found = gauge.exec(name);
    if (found === null) return false;
    return (values.get(name.slice(0, found.index) + counter.replace('$1', found[1] ?? '')) ?? 0) > 0;
  });
}
