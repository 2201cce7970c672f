import type { TracedShares, TracingConfig } from '../../config/tracing-config.ts';
import type { Fraction } from '../../config/values.ts';
import type { RuntimeValues } from '../../runtime-values.ts';
import type { Headers } from '../headers.ts';
import { hasUuidForm, reasonOf, type TraceReason } from '../request-id.ts';

const PARTS = 10_000;

/** A share, as Envoy compares it: with the number that the first eight digits of the request's id are, whatever the share is a part of. */
const within = ({ numerator, of }: Fraction, number: number): boolean => (number % PARTS) % of < numerator;

/** What decides, the shares of the request's route going before those of the connection manager. */
export interface TraceRules {
  readonly config: TracingConfig;
  readonly shares?: TracedShares | undefined;
  /** What Envoy's runtime says; absent: nothing. */
  readonly values?: RuntimeValues | undefined;
}

const ruled = ({ share, clientShare, overallShare }: TracedShares, values: RuntimeValues): TracedShares => ({
  share: values.share(share, 'tracing.random_sampling'),
  clientShare: values.share(clientShare, 'tracing.client_enabled'),
  overallShare: values.share(overallShare, 'tracing.global_enabled'),
});

/**
 * Why a request is traced: its id says so already, a client or a server asks for it, or the id falls into the share. Undefined: it is not.
 * `shares`: of the route, where it has some. Source: ConnectionManagerUtility::mutateTracingRequestHeader in Envoy.
 */
export function traceReason(
  requestId: string,
  headers: Headers,
  { config, shares: given = config, values }: TraceRules,
): TraceReason | undefined {
  if (!config.byRequestId) return 'sampled';
  const number = Number.parseInt(requestId.slice(0, 8), 16);
  if (!hasUuidForm(requestId) || Number.isNaN(number)) return undefined;
  const shares = values?.rulesTracing === true ? ruled(given, values) : given;
  const reason = reasonOf(requestId) ?? newReason(number, headers, shares);
  return within(shares.overallShare, number) ? reason : undefined;
}

function newReason(number: number, headers: Headers, shares: TracedShares): TraceReason | undefined {
  if (headers.has('x-client-trace-id') && within(shares.clientShare, number)) return 'client';
  if (headers.has('x-envoy-force-trace')) return 'server';
  return within(shares.share, number) ? 'sampled' : undefined;
}
