import type { TracingConfig } from '../../config/tracing-config.ts';
import type { Headers } from '../headers.ts';
import { hasUuidForm, reasonOf, type TraceReason } from '../request-id.ts';

const PARTS = 10_000;

/** A share of percents, as Envoy compares it: with the number that the first eight digits of the request's id are. */
const within = (share: number, number: number): boolean => number % PARTS < Math.floor(share * (PARTS / 100));

/**
 * Why a request is traced: its id says so already, a client or a server asks for it, or the id falls into the share. Undefined: it is not.
 * Source: ConnectionManagerUtility::mutateTracingRequestHeader in Envoy.
 */
export function traceReason(requestId: string, headers: Headers, config: TracingConfig): TraceReason | undefined {
  if (!config.byRequestId) return 'sampled';
  const number = Number.parseInt(requestId.slice(0, 8), 16);
  if (!hasUuidForm(requestId) || Number.isNaN(number)) return undefined;
  const reason = reasonOf(requestId) ?? newReason(number, headers, config);
  return within(config.overallShare, number) ? reason : undefined;
}

function newReason(number: number, headers: Headers, config: TracingConfig): TraceReason | undefined {
  if (headers.has('x-client-trace-id') && within(config.clientShare, number)) return 'client';
  if (headers.has('x-envoy-force-trace')) return 'server';
  return within(config.share, number) ? 'sampled' : undefined;
}
