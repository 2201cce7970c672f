import type { Any, FractionalPercent } from '#xds';
import { ConfigProblem } from './problem.ts';
import { durationMs, type Fraction, readFraction } from './values.ts';

/** What the fault filter does to a route's requests. */
export interface FaultPolicy {
  readonly delay: { readonly ms: number; readonly share: Fraction } | undefined;
  readonly abort:
    | { readonly status: number; readonly grpcStatus: number | undefined; readonly share: Fraction }
    | undefined;
}

const NEVER: Fraction = { numerator: 0, of: 100 };

/** Reads envoy.extensions.filters.http.fault.v3.HTTPFault; undefined when there is none. */
export function readFault(config: Any | undefined): FaultPolicy | undefined {
  if (config === undefined) return undefined;
  const field = 'envoy.filters.http.fault';
  const delay = config['delay'] as { fixed_delay?: string; percentage?: FractionalPercent } | undefined;
  const abort = config['abort'] as
    | { http_status?: number; grpc_status?: number; percentage?: FractionalPercent }
    | undefined;
  if (delay !== undefined && delay.fixed_delay === undefined) {
    throw new ConfigProblem(`${field}.delay`, 'only fixed_delay is supported');
  }
  if (abort !== undefined && abort.http_status === undefined && abort.grpc_status === undefined) {
    throw new ConfigProblem(`${field}.abort`, 'has neither http_status nor grpc_status');
  }
  const status = abort?.http_status ?? 200;
  if (status < 200 || status >= 600) throw new ConfigProblem(`${field}.abort.http_status`, 'must be in 200-599');
  return {
    delay: delay && {
      ms: durationMs(delay.fixed_delay, `${field}.delay.fixed_delay`, 0),
      share: readFraction(delay.percentage, NEVER),
    },
    abort: abort && { status, grpcStatus: abort.grpc_status, share: readFraction(abort.percentage, NEVER) },
  };
}
