import { GRPC_STATUS_NAMES } from '#domain';
import { type Any, extensionTypes } from '#xds';
import type { HttpFault } from '../../snapshot/istio-types.ts';
import { protoDuration } from '../durations.ts';
import { fraction, wholePercent } from './percentages.ts';

/**
 * A route's fault injection, for the filter envoy.filters.http.fault. Without a percentage nothing is delayed or aborted; kinds of
 * fault that Istio does not implement (exponential delays, HTTP/2 errors) are left out. Source: TranslateFault in istio pilot.
 */
export function translateFault(fault: HttpFault | undefined): Any | undefined {
  const delay = translateDelay(fault?.delay);
  const abort = translateAbort(fault?.abort);
  if (delay === undefined && abort === undefined) return undefined;
  return { '@type': extensionTypes.fault, ...(delay && { delay }), ...(abort && { abort }) };
}

function translateDelay(delay: HttpFault['delay']): Record<string, unknown> | undefined {
  if (delay?.fixedDelay === undefined) return undefined;
  return {
    fixed_delay: protoDuration(delay.fixedDelay),
    percentage: delay.percentage ? fraction(delay.percentage) : wholePercent(delay.percent ?? 0),
  };
}

function translateAbort(abort: HttpFault['abort']): Record<string, unknown> | undefined {
  if (abort === undefined) return undefined;
  const percentage = abort.percentage && { percentage: fraction(abort.percentage) };
  if (abort.httpStatus !== undefined) return { http_status: abort.httpStatus, ...percentage };
  const status = GRPC_STATUS_NAMES.indexOf((abort.grpcStatus ?? '').toUpperCase().replaceAll(' ', '_'));
  return status < 0 ? undefined : { grpc_status: status, ...percentage };
}
