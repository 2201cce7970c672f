import type { Any } from '#xds';
import { aboveZero, atLeastOneMs, checkRules, inside, longerThanZero, required, rule } from '../bounds.ts';
import { errorStatus } from '../http-status.ts';
import { ConfigProblem } from '../problem.ts';
import { durationMs, type Fields, readNumber, readSwitch, record, type Switch } from '../values.ts';

/** envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig. */
export interface GradientConfig {
  /** Which sample stands for all of a window, from 0 to 1. */
  readonly quantile: number;
  readonly mostConcurrent: number;
  readonly updateIntervalMs: number;
  /** 0: the least round trip is not measured. */
  readonly minRttIntervalMs: number;
  /** Undefined: it is measured. */
  readonly fixedMinRttMs: number | undefined;
  readonly minRttRequests: number;
  /** Shares of 1. */
  readonly jitter: number;
  readonly buffer: number;
  readonly leastConcurrent: number;
}

/** envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency. */
export interface AdaptiveConcurrencyConfig {
  readonly enabled: Switch;
  readonly status: number;
  readonly gradient: GradientConfig;
}

const GRADIENT = 'gradient_controller_config';
const RULES = [
  rule('enabled/default_value', required),
  rule(`${GRADIENT}/sample_aggregate_percentile/value`, inside(0, 100)),
  rule(`${GRADIENT}/concurrency_limit_params`, required),
  rule(`${GRADIENT}/concurrency_limit_params/max_concurrency_limit`, aboveZero),
  rule(`${GRADIENT}/concurrency_limit_params/concurrency_update_interval`, required),
  rule(`${GRADIENT}/concurrency_limit_params/concurrency_update_interval`, longerThanZero),
  rule(`${GRADIENT}/min_rtt_calc_params`, required),
  rule(`${GRADIENT}/min_rtt_calc_params/interval`, atLeastOneMs),
  rule(`${GRADIENT}/min_rtt_calc_params/fixed_value`, longerThanZero),
  rule(`${GRADIENT}/min_rtt_calc_params/request_count`, aboveZero),
  rule(`${GRADIENT}/min_rtt_calc_params/jitter/value`, inside(0, 100)),
  rule(`${GRADIENT}/min_rtt_calc_params/min_concurrency`, aboveZero),
  rule(`${GRADIENT}/min_rtt_calc_params/buffer/value`, inside(0, 100)),
];

/** Throws ConfigProblem. */
export function readAdaptiveConcurrency(config: Any): AdaptiveConcurrencyConfig {
  const given = record(config[GRADIENT]);
  if (given === undefined) throw new ConfigProblem('concurrency_controller_config', 'is required');
  checkRules(config, RULES);
  return {
    enabled: readSwitch(config['enabled']),
    status: errorStatus(config['concurrency_limit_exceeded_status'], 'concurrency_limit_exceeded_status', 503),
    gradient: readGradient(given),
  };
}

function readGradient(given: Fields): GradientConfig {
  const limits = record(given['concurrency_limit_params']) ?? {};
  const least = record(given['min_rtt_calc_params']) ?? {};
  if (least['interval'] === undefined && least['fixed_value'] === undefined) {
    // Envoy's words, which name another field than it looks at.
    const why = 'adaptive_concurrency: neither `concurrency_update_interval` nor `fixed_value` set';
    throw new ConfigProblem(`${GRADIENT}.min_rtt_calc_params`, why);
  }
  const time = (fields: Fields, name: string): number => durationMs(fields[name] as string | undefined, name, 0);
  return {
    quantile: share(given['sample_aggregate_percentile'], 50),
    mostConcurrent: readNumber(limits['max_concurrency_limit'], 1000),
    updateIntervalMs: time(limits, 'concurrency_update_interval'),
    minRttIntervalMs: time(least, 'interval'),
    fixedMinRttMs: least['fixed_value'] === undefined ? undefined : time(least, 'fixed_value'),
    minRttRequests: readNumber(least['request_count'], 50),
    jitter: share(least['jitter'], 15),
    buffer: share(least['buffer'], 25),
    leastConcurrent: readNumber(least['min_concurrency'], 3),
  };
}

/** A Percent as a share of 1. */
const share = (given: unknown, fallback: number): number =>
  (given === undefined ? fallback : readNumber(record(given)?.['value'], 0)) / 100;
