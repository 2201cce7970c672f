import { parseDurationMs } from '#domain';
import type { Descriptor } from '../../../config/rate-limit-rules.ts';

/** What the limiter says of one descriptor. */
export interface LimitStatus {
  readonly current_limit?: { readonly requests_per_unit?: number; readonly unit?: number; readonly name?: string };
  readonly limit_remaining?: number;
  readonly duration_until_reset?: string;
}

/** By the number of RateLimitResponse.RateLimit.Unit: second, minute, hour, day, month, year, week. */
const UNIT_SECONDS = [0, 1, 60, 3600, 86_400, 2_592_000, 31_536_000, 604_800];

/** What was asked, and whether the client is told of limits whose rules say nothing of it. */
export interface Asked {
  readonly descriptors: readonly Pick<Descriptor, 'tellsClient'>[];
  readonly tells: boolean;
}

/**
 * `x-ratelimit-*` of the draft's third version: the limit that is nearest, and the windows of all of which the client is told. Source:
 * XRateLimitHeaderUtils in Envoy.
 */
export function quotaHeaders(
  statuses: readonly LimitStatus[],
  { descriptors, tells }: Asked,
): readonly (readonly [name: string, value: string])[] {
  const limited = statuses
    .map((status, i) => ({ status, told: descriptors[i]?.tellsClient ?? tells }))
    .filter(({ status }) => status.current_limit !== undefined);
  const [first, ...others] = limited;
  if (first === undefined) return [];
  const nearest = others.reduce((least, one) => (remaining(one.status) < remaining(least.status) ? one : least), first);
  if (!nearest.told) return [];
  const windows = limited.map(({ status, told }) => (told ? policyOf(status) : '')).join('');
  const resetMs = parseDurationMs(nearest.status.duration_until_reset ?? '0s') ?? 0;
  return [
    ['x-ratelimit-limit', `${nearest.status.current_limit?.requests_per_unit ?? 0}${windows}`],
    ['x-ratelimit-remaining', String(remaining(nearest.status))],
    ['x-ratelimit-reset', String(Math.floor(resetMs / 1000))],
  ];
}

const remaining = ({ limit_remaining: left = 0 }: LimitStatus): number => left;

function policyOf({ current_limit: limit = {} }: LimitStatus): string {
  const seconds = UNIT_SECONDS[limit.unit ?? 0] ?? 0;
  if (seconds === 0) return '';
  return `, ${limit.requests_per_unit ?? 0};w=${seconds}${limit.name ? `;name="${limit.name}"` : ''}`;
}
