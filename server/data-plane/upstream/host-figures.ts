import type { Stats } from '../stats/stats.ts';
import type { Host } from './host.ts';

const COUNTERS = ['cx_connect_fail', 'cx_total', 'rq_error', 'rq_success', 'rq_timeout', 'rq_total'] as const;
const GAUGES = ['cx_active', 'rq_active', 'rq_pending_active'] as const;

type HostFigure = (typeof COUNTERS)[number] | (typeof GAUGES)[number];

/** Figures of one host, in Envoy's order. */
export function hostFigures(host: Host): Record<HostFigure, number> {
  const pools = Object.values(host.pools);
  const sum = (read: (pool: (typeof pools)[number]) => number): number =>
    pools.reduce((all, pool) => all + read(pool), 0);
  const { figures } = host;
  return {
    cx_active: sum((pool) => pool.activeConnections),
    cx_connect_fail: figures.cxConnectFail,
    cx_total: figures.cxTotal,
    rq_active: host.activeRequests,
    rq_error: figures.rqError,
    rq_pending_active: sum((pool) => pool.pendingStreams),
    rq_success: figures.rqSuccess,
    rq_timeout: figures.rqTimeout,
    rq_total: figures.rqTotal,
  };
}

const scopeOf = (prefix: string, { address }: Host): string => `${prefix}endpoint.${address.ip}_${address.port}.`;

/** Shows the figures of one host among all others, where its cluster has `per_endpoint_stats`. `prefix`: `cluster.<name>.` */
export function showHost(stats: Stats, prefix: string, host: Host): void {
  const scope = scopeOf(prefix, host);
  for (const figure of COUNTERS) stats.sum(scope + figure, () => hostFigures(host)[figure]);
  for (const figure of GAUGES) stats.gauge(scope + figure, () => hostFigures(host)[figure]);
  stats.gauge(`${scope}healthy`, () => (host.healthy ? 1 : 0));
  const { hostname } = host.endpoint;
  if (hostname !== '') stats.label(scope, { envoy_endpoint_hostname: hostname });
}

/** It is no host any more. */
export const hideHost = (stats: Stats, prefix: string, host: Host): void => stats.remove(scopeOf(prefix, host));
