import { parseDurationMs } from '#domain';

/** What the limiter says of one descriptor. */
export interface LimitStatus {
  readonly current_limit?: { readonly requests_per_unit?: number; readonly unit?: number; readonly name?: string };
  readonly limit_remaining?: number;
  readonly duration_until_reset?: string;
}

/** By the number of RateLimitResponse.RateLimit.Unit: second, minute, hour, day, month, year, week. */
const UNIT_SECONDS = [0, 1, 60, 3600, 86_400, 2_592_000, 31_536_000, 604_800];

/** `x-ratelimit-*` of the draft's third version: the limit that is nearest, and the windows of all. Source: XRateLimitHeaderUtils in Envoy. */
export function quotaHeaders(statuses: readonly LimitStatus[]): Record<string, string> {
  const limited = statuses.filter(({ current_limit: limit }) => limit !== undefined);
  const [first, ...others] = limited;
  if (first === undefined) return {};
  const remaining = ({ limit_remaining: left = 0 }: LimitStatus): number => left;
  const nearest = others.reduce((least, status) => (remaining(status) < remaining(least) ? status : least), first);
  return {
    'x-ratelimit-limit': `${nearest.current_limit?.requests_per_unit ?? 0}${limited.map(policyOf).join('')}`,
    'x-ratelimit-remaining': String(remaining(nearest)),
    'x-ratelimit-reset': String(Math.floor((parseDurationMs(nearest.duration_until_reset ?? '0s') ?? 0) / 1000)),
  };
}

function policyOf({ current_limit: limit = {} }: LimitStatus): string {
  const seconds = UNIT_SECONDS[limit.unit ?? 0] ?? 0;
  if (seconds === 0) return '';
  return `, ${limit.requests_per_unit ?? 0};w=${seconds}${limit.name ? `;name="${limit.name}"` : ''}`;
}
