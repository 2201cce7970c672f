import type { FractionalPercent } from '#xds';
import type { CelCondition } from '../../format/cel.ts';
import { hasUuidForm } from '../../http/request-id.ts';
import { compileMetadataMatch, type MetadataMatcherJson } from '../metadata-match.ts';
import { readFraction } from '../values.ts';

export interface MetadataFilterJson {
  readonly matcher?: MetadataMatcherJson;
  readonly match_if_key_not_found?: boolean;
}

export interface RuntimeFilterJson {
  readonly percent_sampled?: FractionalPercent;
  readonly use_independent_randomness?: boolean;
}

/** By what filters have left; without a matcher every entry passes. As in Envoy, `invert` changes nothing. Source: MetadataFilter of Envoy's access logs. */
export function byMetadata({ matcher, match_if_key_not_found }: MetadataFilterJson): CelCondition {
  if (matcher === undefined) return () => true;
  const match = compileMetadataMatch({ ...matcher, invert: false }, 'metadata_filter.matcher');
  const withoutKey = match_if_key_not_found !== false;
  return ({ dynamicMetadata }) => {
    const read = (filter: string): Readonly<Record<string, unknown>> | undefined => dynamicMetadata?.of(filter);
    return match.seen(read) === undefined ? withoutKey : match.accepts(read);
  };
}

const NEVER = { numerator: 0, of: 100 };

/** A share of entries: the same requests in every proxy, since the request's id decides. Source: RuntimeFilter, likewise. */
export function byShare({ percent_sampled, use_independent_randomness }: RuntimeFilterJson): CelCondition {
  const { numerator, of } = readFraction(percent_sampled, NEVER);
  return ({ head }) => {
    const id = head.headers.get('x-request-id') ?? '';
    const drawn = hasUuidForm(id) ? Number.parseInt(id.slice(0, 8), 16) : Number.NaN;
    const number = use_independent_randomness === true || Number.isNaN(drawn) ? Math.floor(Math.random() * of) : drawn;
    return number % of < numerator;
  };
}

/** Requests that are traced because a server asked for it (`x-envoy-force-trace`): Envoy's TraceableRequestFilter passes no others. */
export const forced: CelCondition = ({ traceReason }) => traceReason === 'server';
