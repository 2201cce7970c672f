import type { Any, FractionalPercent, HeaderMatcher } from '#xds';
import { ConfigProblem } from './problem.ts';
import { compileHeaderTest, type HeaderTest } from './route-condition.ts';
import { durationMs, type Fraction, NEVER, readFraction, readNumber } from './values.ts';

/** What the fault filter does to requests. `byHeader`: only to those that ask for it by a header. */
export interface FaultPolicy {
  readonly delay: { readonly ms: number; readonly byHeader: boolean; readonly share: Fraction } | undefined;
  readonly abort:
    | {
        readonly status: number;
        readonly grpcStatus: number | undefined;
        readonly byHeader: boolean;
        readonly share: Fraction;
      }
    | undefined;
  /** How fast bodies of answers go to the client, in units of 1024 bytes a second. */
  readonly answerLimit: { readonly kbps: number; readonly byHeader: boolean; readonly share: Fraction } | undefined;
  /** All must hold. */
  readonly headers: readonly HeaderTest[];
  /** Only requests to this cluster; empty: to any. */
  readonly cluster: string;
  /** Only requests that say they come from one of these; empty: from any. */
  readonly nodes: readonly string[];
  /** So many requests may be disturbed at a time; undefined: any number. */
  readonly maxActive: number | undefined;
  /** Counted for each cluster that clients say they are of, too. */
  readonly countsClients: boolean;
  readonly keys: FaultKeys;
}

/** Where Envoy's runtime may say something else. */
export interface FaultKeys {
  readonly delayPercent: string;
  readonly delayMs: string;
  readonly abortPercent: string;
  readonly abortStatus: string;
  readonly abortGrpcStatus: string;
  readonly limitPercent: string;
  readonly maxActive: string;
}

interface DelayJson {
  readonly fixed_delay?: string;
  readonly header_delay?: object;
  readonly percentage?: FractionalPercent;
}

interface AbortJson {
  readonly http_status?: number;
  readonly grpc_status?: number;
  readonly header_abort?: object;
  readonly percentage?: FractionalPercent;
}

interface LimitJson {
  readonly fixed_limit?: { readonly limit_kbps?: number | string };
  readonly header_limit?: object;
  readonly percentage?: FractionalPercent;
}

/** Reads envoy.extensions.filters.http.fault.v3.HTTPFault; undefined when there is none. */
export function readFault(config: Any | undefined): FaultPolicy | undefined {
  if (config === undefined) return undefined;
  const field = 'envoy.filters.http.fault';
  const key = (name: string, usual: string): string => String(config[`${name}_runtime`] || `fault.http.${usual}`);
  return {
    keys: {
      delayPercent: key('delay_percent', 'delay.fixed_delay_percent'),
      delayMs: key('delay_duration', 'delay.fixed_duration_ms'),
      abortPercent: key('abort_percent', 'abort.abort_percent'),
      abortStatus: key('abort_http_status', 'abort.http_status'),
      abortGrpcStatus: key('abort_grpc_status', 'abort.grpc_status'),
      limitPercent: key('response_rate_limit_percent', 'rate_limit.response_percent'),
      maxActive: key('max_active_faults', 'max_active_faults'),
    },
    delay: readDelay(config['delay'] as DelayJson | undefined, `${field}.delay`),
    abort: readAbort(config['abort'] as AbortJson | undefined, `${field}.abort`),
    answerLimit: readLimit(config['response_rate_limit'] as LimitJson | undefined, `${field}.response_rate_limit`),
    headers: ((config['headers'] ?? []) as HeaderMatcher[]).map((matcher, i) =>
      compileHeaderTest(matcher, `${field}.headers[${i}]`),
    ),
    cluster: (config['upstream_cluster'] ?? '') as string,
    nodes: (config['downstream_nodes'] ?? []) as string[],
    countsClients: config['disable_downstream_cluster_stats'] !== true,
    maxActive: config['max_active_faults'] === undefined ? undefined : readNumber(config['max_active_faults'], 0),
  };
}

function readLimit(limit: LimitJson | undefined, field: string): FaultPolicy['answerLimit'] {
  if (limit === undefined) return undefined;
  const byHeader = limit.header_limit !== undefined;
  if (!byHeader && limit.fixed_limit === undefined) throw new ConfigProblem(field, 'limit_type is required');
  const kbps = readNumber(limit.fixed_limit?.limit_kbps, 0);
  if (!byHeader && kbps < 1) {
    throw new ConfigProblem(`${field}.fixed_limit.limit_kbps`, 'value must be greater than or equal to 1');
  }
  return { kbps, byHeader, share: readFraction(limit.percentage, NEVER) };
}

function readDelay(delay: DelayJson | undefined, field: string): FaultPolicy['delay'] {
  if (delay === undefined) return undefined;
  const byHeader = delay.header_delay !== undefined;
  if (!byHeader && delay.fixed_delay === undefined) {
    throw new ConfigProblem(field, 'has neither fixed_delay nor header_delay');
  }
  const ms = durationMs(delay.fixed_delay, `${field}.fixed_delay`, 0);
  return { ms, byHeader, share: readFraction(delay.percentage, NEVER) };
}

function readAbort(abort: AbortJson | undefined, field: string): FaultPolicy['abort'] {
  if (abort === undefined) return undefined;
  const byHeader = abort.header_abort !== undefined;
  if (!byHeader && abort.http_status === undefined && abort.grpc_status === undefined) {
    throw new ConfigProblem(field, 'has none of http_status, grpc_status, header_abort');
  }
  const status = abort.http_status ?? 200;
  if (status < 200 || status >= 600) throw new ConfigProblem(`${field}.http_status`, 'must be in 200-599');
  return { status, grpcStatus: abort.grpc_status, byHeader, share: readFraction(abort.percentage, NEVER) };
}
