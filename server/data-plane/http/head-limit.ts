import type { HttpServing } from '../config/http-serving.ts';
import type { Failure } from './h1/failures.ts';

/** How long the head of a request may take, from its first byte to its last, and what comes of one that takes longer. */
export interface HeadLimit {
  readonly ms: number;
  readonly failure: Failure;
}

const LATE = { status: 408, explanation: 'The request head did not arrive in time.' } as const;

const HEADERS: Failure = { ...LATE, details: 'request_header_timeout', body: 'request header timeout', flag: 'none' };
const SILENCE: Failure = { ...LATE, details: 'stream_idle_timeout', body: 'stream timeout', flag: 'SI' };
const REQUEST: Failure = { ...LATE, details: 'request_overall_timeout', body: 'request timeout', flag: 'none' };
const DURATION: Failure = {
  ...LATE,
  details: 'max_duration_timeout',
  body: 'downstream duration timeout',
  flag: 'none',
};

/** As in Envoy, all limits of a request begin with its first byte; the earliest counts. Undefined where nothing is limited. */
export function headLimitOf(serving: HttpServing): HeadLimit | undefined {
  const limits: readonly HeadLimit[] = [
    { ms: serving.requestHeadersTimeoutMs, failure: HEADERS },
    { ms: serving.streamIdleTimeoutMs, failure: SILENCE },
    { ms: serving.requestTimeoutMs, failure: REQUEST },
    { ms: serving.maxStreamDurationMs, failure: DURATION },
  ];
  return limits.filter(({ ms }) => ms > 0).sort((one, other) => one.ms - other.ms)[0];
}
