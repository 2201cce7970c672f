import { STATUS_CODES } from 'node:http';
import { extensionTypes, type RetryPolicy } from '#xds';
import type { HttpRetry } from '../../snapshot/istio-types.ts';
import { protoDuration } from '../durations.ts';

const OUTBOUND_RETRY_ON = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes';

const PREVIOUS_HOSTS: NonNullable<RetryPolicy['retry_host_predicate']> = [
  { name: 'envoy.retry_host_predicates.previous_hosts', typed_config: { '@type': extensionTypes.previousHosts } },
];

/** Every second attempt goes to another locality. */
const PREVIOUS_PRIORITIES: NonNullable<RetryPolicy['retry_priority']> = {
  name: 'envoy.retry_priorities.previous_priorities',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
    update_frequency: 2,
  },
};

/**
 * The retry policy of an outbound route. Without `retries` Istio retries twice, silently; `attempts: 0` switches retries off.
 * A route that hashes must come back to the same host, so it may pick the host it tried before.
 * Source: retry.ConvertPolicy in istio pilot/pkg/networking/core/route/retry.
 */
export function translateRetries(retries: HttpRetry | undefined, hashes: boolean): RetryPolicy | undefined {
  const previousHosts = retries?.retryIgnorePreviousHosts ?? !hashes;
  const base: RetryPolicy = {
    retry_on: OUTBOUND_RETRY_ON,
    num_retries: 2,
    ...(previousHosts && { retry_host_predicate: PREVIOUS_HOSTS }),
    host_selection_retry_max_attempts: '5',
  };
  if (retries === undefined) return base;
  const attempts = retries.attempts ?? 0;
  if (attempts <= 0) return undefined;
  return {
    ...base,
    num_retries: attempts,
    ...(retries.retryOn !== undefined && retries.retryOn !== '' && parseRetryOn(retries.retryOn)),
    ...(retries.perTryTimeout !== undefined && { per_try_timeout: protoDuration(retries.perTryTimeout) }),
    ...(retries.retryRemoteLocalities === true && { retry_priority: PREVIOUS_PRIORITIES }),
    ...(retries.backoff !== undefined && { retry_back_off: { base_interval: protoDuration(retries.backoff) } }),
  };
}

/** Istio's silent policy for inbound routes. None for gRPC, whose streams the condition does not suit. */
export const inboundRetries = (isGrpc: boolean): RetryPolicy | undefined =>
  isGrpc ? undefined : { retry_on: 'reset-before-request', num_retries: 2 };

/** Splits conditions from status codes: `5xx,503` retries on `5xx,retriable-status-codes` with code 503. */
function parseRetryOn(text: string): Pick<RetryPolicy, 'retry_on' | 'retriable_status_codes'> {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const isCode = (part: string): boolean =>
    /^\d+$/.test(part) && STATUS_CODES[Number(part)] !== undefined && part !== '509';
  const codes = parts.filter(isCode).map(Number);
  const conditions = parts.filter((part) => !isCode(part));
  const joined = conditions.join(',');
  if (codes.length === 0) return { retry_on: joined };
  // Codes alone leave the empty condition that Istio writes before the comma; Envoy skips it.
  const names = joined.includes('retriable-status-codes') ? joined : `${joined},retriable-status-codes`;
  return { retry_on: names, retriable_status_codes: codes };
}
