import type { Any } from '#xds';
import { checkRules, inside, required, rule, someItems } from '../bounds.ts';
import { ConfigProblem } from '../problem.ts';
import { durationMs, readNumber, readSwitch, record, type Switch } from '../values.ts';

/** envoy.extensions.filters.http.admission_control.v3.AdmissionControl. */
export interface AdmissionControlConfig {
  readonly enabled: Switch;
  /** How far back answers count, in whole seconds. */
  readonly windowSeconds: number;
  /** 1: the probability of a refusal grows as the share of failures; more: faster. */
  readonly aggression: number;
  /** Shares from 0 to 1. */
  readonly successThreshold: number;
  readonly mostRefused: number;
  /** Fewer requests a second, on average, are never refused. */
  readonly leastRps: number;
  readonly isHttpSuccess: (status: number) => boolean;
  readonly isGrpcSuccess: (status: number) => boolean;
}

interface RangeJson {
  readonly start?: number;
  readonly end?: number;
}

const RULES = [
  rule('success_criteria/http_criteria/http_success_status', someItems),
  rule('success_criteria/grpc_criteria/grpc_success_status', someItems),
  rule('enabled/default_value', required),
  rule('sr_threshold/default_value/value', inside(0, 100)),
  rule('max_rejection_probability/default_value/value', inside(0, 100)),
];

/** Statuses that tell of the caller, not of a host that has too much to do. Source: SuccessCriteriaEvaluator in Envoy. */
const GRPC_SUCCESSES: readonly number[] = [0, 1, 2, 3, 5, 6, 7, 9, 11, 12, 16];
const MOST_GRPC = 16;

/** Throws ConfigProblem. */
export function readAdmissionControl(config: Any): AdmissionControlConfig {
  checkRules(config, RULES);
  const criteria = record(config['success_criteria']);
  if (criteria === undefined) throw new ConfigProblem('evaluation_criteria', 'is required');
  const threshold = percent(config['sr_threshold'], 95);
  if (threshold < 1) throw new ConfigProblem('sr_threshold', 'Success rate threshold cannot be less than 1.0%.');
  const grpc = (record(criteria['grpc_criteria'])?.['grpc_success_status'] ?? GRPC_SUCCESSES) as readonly number[];
  const wrong = grpc.find((code) => code > MOST_GRPC);
  if (wrong !== undefined) throw new ConfigProblem('success_criteria.grpc_criteria', `invalid gRPC code ${wrong}`);
  const ranges = readRanges(record(criteria['http_criteria'])?.['http_success_status']);
  return {
    enabled: readSwitch(config['enabled']),
    windowSeconds: Math.floor(
      durationMs(config['sampling_window'] as string | undefined, 'sampling_window', 30_000) / 1000,
    ),
    aggression: Math.max(1, readNumber(record(config['aggression'])?.['default_value'], config['aggression'] ? 0 : 1)),
    successThreshold: Math.min(threshold, 100) / 100,
    mostRefused: percent(config['max_rejection_probability'], 80) / 100,
    leastRps: readNumber(record(config['rps_threshold'])?.['default_value'], 0),
    isHttpSuccess: (status) => ranges.some(({ start, end }) => status >= start && status < end),
    isGrpcSuccess: (status) => grpc.includes(status),
  };
}

/** A RuntimePercent: nothing changes it while the proxy runs. */
const percent = (given: unknown, fallback: number): number =>
  given === undefined ? fallback : readNumber(record(record(given)?.['default_value'])?.['value'], 0);

/** All that is no error of a server, unless it is said. */
function readRanges(given: unknown): { readonly start: number; readonly end: number }[] {
  const ranges = (given ?? [{ start: 100, end: 500 }]) as readonly RangeJson[];
  return ranges.map(({ start = 0, end = 0 }) => {
    if (start > end || start < 100 || end > 600) {
      throw new ConfigProblem('success_criteria.http_criteria', `invalid HTTP range: [${start}, ${end})`);
    }
    return { start, end };
  });
}
