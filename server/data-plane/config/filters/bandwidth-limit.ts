import type { Any } from '#xds';
import { ConfigProblem } from '../problem.ts';
import { durationMs, readNumber, record } from '../values.ts';

/** envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit. */
export interface BandwidthLimitConfig {
  /** Of its statistics, dot included. */
  readonly scope: string;
  readonly limitsRequests: boolean;
  readonly limitsAnswers: boolean;
  readonly bytesPerSecond: number;
  /** What is held back is looked at so often. */
  readonly fillIntervalMs: number;
  /** Begins the names of trailers that tell how long bodies took; undefined: none are added. */
  readonly trailerPrefix: string | undefined;
}

const FILL_INTERVAL_MS = 50;
const BYTES_PER_KIB = 1024;

/** Throws ConfigProblem. */
export function readBandwidthLimit(config: Any): BandwidthLimitConfig {
  const enabled = record(config['runtime_enabled'])?.['default_value'] !== false;
  const mode = String(config['enable_mode'] ?? 'DISABLED');
  const limits = (way: 'REQUEST' | 'RESPONSE'): boolean => enabled && (mode === way || mode === 'REQUEST_AND_RESPONSE');
  const prefix = String(config['response_trailer_prefix'] ?? '').toLowerCase();
  return {
    scope: `${String(config['stat_prefix'] ?? '')}.http_bandwidth_limit.`,
    limitsRequests: limits('REQUEST'),
    limitsAnswers: limits('RESPONSE'),
    bytesPerSecond: readNumber(config['limit_kbps'], 0) * BYTES_PER_KIB,
    fillIntervalMs: durationMs(config['fill_interval'] as string | undefined, 'fill_interval', FILL_INTERVAL_MS),
    trailerPrefix: config['enable_response_trailers'] === true ? `${prefix && `${prefix}-`}bandwidth-` : undefined,
  };
}

/** As `readBandwidthLimit`, for what a route says. */
export function readBandwidthLimitOfRoute(config: Any): BandwidthLimitConfig {
  if (config['limit_kbps'] === undefined) {
    throw new ConfigProblem('limit_kbps', 'limit must be set for per route filter config');
  }
  return readBandwidthLimit(config);
}
