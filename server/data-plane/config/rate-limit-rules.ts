import type { FormatSubject } from '../format/subject.ts';
import { compileOneCommand } from '../format/template.ts';
import { checkRules, filled, type Rule, required, rule, someItems, upTo } from './bounds.ts';
import { valueAt } from './metadata-match.ts';
import { ConfigProblem, within } from './problem.ts';
import {
  compileAction,
  type DescriptorEntry,
  type DescriptorSource,
  type MetadataKeyJson,
  pathOfKey,
  type RateLimitActionJson,
} from './rate-limit-actions.ts';
import { readNumber, record } from './values.ts';

/** A limit that a request brings along, in place of the limiter's own. `unit` is a name of envoy.type.v3.RateLimitUnit. */
export interface LimitOverride {
  readonly requests_per_unit: number;
  readonly unit: string;
}

/** What is counted together: all requests with these entries. */
export interface Descriptor {
  readonly entries: readonly DescriptorEntry[];
  readonly limit: LimitOverride | undefined;
  /** As how many requests this one counts; undefined: one. */
  readonly hits: number | undefined;
  /** The hits are given back. */
  readonly refills: boolean;
  /** Whether the client is told of this limit; undefined: as the filter says. */
  readonly tellsClient: boolean | undefined;
}

/** One rate_limits entry of a route, a virtual host or a filter. */
export interface RateLimitRule {
  readonly stage: number;
  /** A key of the runtime that could switch it off. */
  readonly disableKey: string;
  /** It counts when the request is over, and stops nothing. */
  readonly atTheEnd: boolean;
  /** Undefined when one of its actions finds nothing. */
  readonly describe: (source: DescriptorSource) => Descriptor | undefined;
}

export interface RateLimitJson {
  readonly stage?: number;
  readonly disable_key?: string;
  readonly actions?: readonly RateLimitActionJson[];
  readonly limit?: {
    readonly dynamic_metadata?: { readonly metadata_key?: MetadataKeyJson };
    readonly rate_limit?: { readonly requests_per_unit?: number; readonly unit?: string };
  };
  readonly hits_addend?: {
    readonly number?: number | string;
    readonly format?: string;
    readonly is_negative_hits?: boolean;
  };
  readonly apply_on_stream_done?: boolean;
  readonly x_ratelimit_option?: string;
}

const MOST_HITS = 1_000_000_000;

/** Rules of Envoy's API. */
const RULES: readonly Rule[] = [
  rule('stage', upTo(10)),
  rule('actions', someItems),
  rule('actions/request_headers/header_name', filled),
  rule('actions/request_headers/descriptor_key', filled),
  rule('actions/query_parameters/query_parameter_name', filled),
  rule('actions/query_parameters/descriptor_key', filled),
  rule('actions/generic_key/descriptor_value', filled),
  rule('actions/header_value_match/descriptor_value', filled),
  rule('actions/header_value_match/headers', someItems),
  rule('actions/query_parameter_value_match/descriptor_value', filled),
  rule('actions/query_parameter_value_match/query_parameters', someItems),
  rule('actions/metadata/descriptor_key', filled),
  rule('actions/metadata/metadata_key', required),
  rule('actions/masked_remote_address/v4_prefix_mask_len', upTo(32)),
  rule('actions/masked_remote_address/v6_prefix_mask_len', upTo(128)),
  rule('actions/remote_address_match/descriptor_value', filled),
  rule('actions/remote_address_match/address_matcher', required),
  rule('actions/extension/typed_config', required),
  rule('limit/dynamic_metadata/metadata_key', required),
  rule('hits_addend/number', upTo(MOST_HITS)),
];

/** Compiles envoy.config.route.v3.RateLimit entries. `ofFilter`: they stand in a filter's configuration, where more of them is read. */
export function compileRateLimits(
  given: readonly RateLimitJson[] | undefined,
  field: string,
  ofFilter = false,
): readonly RateLimitRule[] {
  return (given ?? []).map((one, i) =>
    within(`${field}[${i}]`, () => {
      checkRules(one, RULES);
      return compileRule(one, ofFilter);
    }),
  );
}

type HitsReader = (subject: FormatSubject) => number | undefined;

/** As in Envoy, rules of routes and virtual hosts say nothing of hits. */
function compileRule(given: RateLimitJson, ofFilter: boolean): RateLimitRule {
  const { format = '' } = given.hits_addend ?? {};
  if (format !== '' && !format.startsWith('%'))
    throw new ConfigProblem('hits_addend.format', 'value does not have prefix "%"');
  const hits = ofFilter ? given.hits_addend && compileHits(given.hits_addend) : undefined;
  const limitOf = compileLimit(given.limit);
  const actions = (given.actions ?? []).map((action, at) => compileAction(action, `actions[${at}]`));
  const refills = ofFilter && given.hits_addend?.is_negative_hits === true;
  const tellsClient = HEADER_OPTIONS[given.x_ratelimit_option ?? ''];
  return {
    stage: given.stage ?? 0,
    disableKey: given.disable_key ?? '',
    atTheEnd: given.apply_on_stream_done === true,
    describe(source) {
      const entries: DescriptorEntry[] = [];
      for (const action of actions) {
        const entry = action(source);
        if (entry === undefined) return undefined;
        if (entry !== 'skip') entries.push(entry);
      }
      const counted = hits?.(source.subject);
      if (hits !== undefined && counted === undefined) return undefined;
      return { entries, limit: limitOf?.(source), hits: counted, refills, tellsClient };
    },
  };
}

const HEADER_OPTIONS: Readonly<Record<string, boolean>> = { OFF: false, DRAFT_VERSION_03: true };

function compileHits({ number, format = '' }: NonNullable<RateLimitJson['hits_addend']>): HitsReader {
  if ((number === undefined) === (format === ''))
    throw new ConfigProblem('hits_addend', 'must contain either a format or a number');
  if (number !== undefined) {
    const hits = readNumber(number, 0);
    return () => hits;
  }
  const read = compileOneCommand(format, 'hits_addend.format');
  if (read === undefined) throw new ConfigProblem('hits_addend.format', 'must contain exactly one substitution');
  return (subject) => {
    const value = read(subject);
    const hits = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof hits !== 'number' || !(hits >= 0 && hits <= MOST_HITS)) return undefined;
    return Math.trunc(hits);
  };
}

const UNITS: ReadonlySet<string> = new Set(['UNKNOWN', 'SECOND', 'MINUTE', 'HOUR', 'DAY', 'MONTH', 'YEAR']);

function compileLimit(
  given: RateLimitJson['limit'],
): ((source: DescriptorSource) => LimitOverride | undefined) | undefined {
  if (given === undefined) return undefined;
  const { dynamic_metadata: dynamic, rate_limit: fixed } = given;
  if (fixed !== undefined) {
    const limit = { requests_per_unit: fixed.requests_per_unit ?? 0, unit: fixed.unit ?? 'UNKNOWN' };
    return () => limit;
  }
  if (dynamic === undefined) throw new ConfigProblem('limit.override_specifier', 'is required');
  const path = pathOfKey(dynamic.metadata_key);
  const name = dynamic.metadata_key?.key ?? '';
  return ({ metadata }) => {
    const { requests_per_unit: most, unit } = record(valueAt(metadata(name), path)) ?? {};
    if (typeof most !== 'number' || typeof unit !== 'string' || !UNITS.has(unit)) return undefined;
    return { requests_per_unit: Math.trunc(most), unit };
  };
}
