import type { Metadata, RetryPolicy } from '#xds';
import { balancingLabels } from './labels.ts';
import { ConfigProblem } from './problem.ts';
import { compileHeaderTest, type HeaderTest } from './route-condition.ts';
import { durationMs, type Fields, readNumber } from './values.ts';

/** When and how often a request is tried again. */
export interface CompiledRetryPolicy {
  readonly retryOn: ReadonlySet<string>;
  readonly maxRetries: number;
  /** 0: no limit of its own. */
  readonly perTryTimeoutMs: number;
  readonly retriableStatusCodes: ReadonlySet<number>;
  readonly previousHosts: boolean;
  /** Hosts with one of these sets of labels are avoided, too. */
  readonly omitted: readonly Fields[];
  /** After so many tries, the priorities that they went to are left out; 0: never. */
  readonly priorityFrequency: number;
  readonly hostSelectionAttempts: number;
  readonly baseIntervalMs: number;
  readonly maxIntervalMs: number;
  /** A try that stays silent so long is given up; 0: never. */
  readonly perTryIdleTimeoutMs: number;
  /** Answers that carry such a header may be tried again (`retriable-headers`). */
  readonly retriableHeaders: readonly HeaderTest[];
  /** Only requests that carry one of these may be tried again; empty: all. */
  readonly retriableRequestHeaders: readonly HeaderTest[];
  /** The wait may be told by a header of the answer. */
  readonly waitHeaders: WaitHeaders | undefined;
}

/** Headers by which a host says how long to wait, the first that has a good value counts. */
export interface WaitHeaders {
  readonly headers: readonly { readonly name: string; readonly format: 'SECONDS' | 'UNIX_TIMESTAMP' }[];
  readonly maxMs: number;
}

/** What `retry_on` may name: of HTTP, and of statuses of gRPC. As in Envoy, other words are passed over. */
export const HTTP_RETRY_WORDS: ReadonlySet<string> = new Set([
  '5xx',
  'gateway-error',
  'connect-failure',
  'envoy-ratelimited',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'reset',
  'reset-before-request',
  'http3-post-connect-failure',
]);
export const GRPC_RETRY_WORDS: ReadonlySet<string> = new Set([
  'cancelled',
  'deadline-exceeded',
  'resource-exhausted',
  'unavailable',
  'internal',
]);

const words = (list: string | undefined): string[] =>
  (list ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

function readWaitHeaders(given: RetryPolicy['rate_limited_retry_back_off']): WaitHeaders | undefined {
  if (given === undefined) return undefined;
  return {
    headers: (given.reset_headers ?? []).map(({ name, format }) => ({
      name: name.toLowerCase(),
      format: format === 'UNIX_TIMESTAMP' ? 'UNIX_TIMESTAMP' : 'SECONDS',
    })),
    maxMs: durationMs(given.max_interval, 'retry_policy.rate_limited_retry_back_off.max_interval', 300_000),
  };
}

type Extension = NonNullable<RetryPolicy['retry_priority']>;

/** The name of the extension's message, without its package; the name that it goes by where that is all there is. */
const kindOf = ({ name, typed_config }: Extension): string => (typed_config?.['@type'] ?? name).replace(/^.*[./]/, '');

const PREVIOUS_HOSTS = new Set(['PreviousHostsPredicate', 'previous_hosts']);
const OMIT_CANARY = new Set(['OmitCanaryHostsPredicate', 'omit_canary_hosts']);

function readHostPredicates(given: readonly Extension[]): Pick<CompiledRetryPolicy, 'previousHosts' | 'omitted'> {
  let previousHosts = false;
  const omitted: Fields[] = [];
  for (const [i, predicate] of given.entries()) {
    const kind = kindOf(predicate);
    const { metadata_match } = (predicate.typed_config ?? {}) as { metadata_match?: Metadata };
    if (PREVIOUS_HOSTS.has(kind)) previousHosts = true;
    else if (OMIT_CANARY.has(kind)) omitted.push({ canary: true });
    else if (kind === 'OmitHostMetadataConfig') omitted.push(balancingLabels(metadata_match) ?? {});
    else throw unknown(`retry_policy.retry_host_predicate[${i}]`, predicate);
  }
  return { previousHosts, omitted };
}

function readPriority(given: Extension | undefined): number {
  if (given === undefined) return 0;
  if (kindOf(given) !== 'PreviousPrioritiesConfig') throw unknown('retry_policy.retry_priority', given);
  const frequency = readNumber(given.typed_config?.['update_frequency'], 0);
  if (frequency > 0) return frequency;
  throw new ConfigProblem('retry_policy.retry_priority.update_frequency', 'value must be greater than 0');
}

const unknown = (field: string, { name }: Extension): ConfigProblem =>
  new ConfigProblem(field, `Didn't find a registered implementation for '${name}'`);

/** Reads a route's `retry_policy`. */
export function compileRetryPolicy(given: RetryPolicy): CompiledRetryPolicy {
  const baseIntervalMs = durationMs(
    given.retry_back_off?.base_interval,
    'retry_policy.retry_back_off.base_interval',
    25,
  );
  const maxIntervalMs = durationMs(
    given.retry_back_off?.max_interval,
    'retry_policy.retry_back_off.max_interval',
    baseIntervalMs * 10,
  );
  if (maxIntervalMs < baseIntervalMs) {
    throw new ConfigProblem(
      'retry_policy',
      'retry_policy.max_interval must greater than or equal to the base_interval',
    );
  }
  return {
    retryOn: new Set(words(given.retry_on).filter((word) => HTTP_RETRY_WORDS.has(word) || GRPC_RETRY_WORDS.has(word))),
    maxRetries: readNumber(given.num_retries, 1),
    perTryTimeoutMs: durationMs(given.per_try_timeout, 'retry_policy.per_try_timeout', 0),
    retriableStatusCodes: new Set(given.retriable_status_codes ?? []),
    ...readHostPredicates(given.retry_host_predicate ?? []),
    priorityFrequency: readPriority(given.retry_priority),
    hostSelectionAttempts: readNumber(given.host_selection_retry_max_attempts, 1),
    baseIntervalMs,
    maxIntervalMs,
    perTryIdleTimeoutMs: durationMs(given.per_try_idle_timeout, 'retry_policy.per_try_idle_timeout', 0),
    retriableHeaders: (given.retriable_headers ?? []).map((matcher, i) =>
      compileHeaderTest(matcher, `retry_policy.retriable_headers[${i}]`),
    ),
    retriableRequestHeaders: (given.retriable_request_headers ?? []).map((matcher, i) =>
      compileHeaderTest(matcher, `retry_policy.retriable_request_headers[${i}]`),
    ),
    waitHeaders: readWaitHeaders(given.rate_limited_retry_back_off),
  };
}
