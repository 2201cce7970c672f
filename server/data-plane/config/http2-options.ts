import type { KeepaliveOptions } from '../http/h2/keepalive.ts';
import { ConfigProblem } from './problem.ts';
import { durationMs } from './values.ts';

/** Http2ProtocolOptions, as far as both sides have them. */
export interface Http2Fields {
  readonly max_concurrent_streams?: number;
  readonly connection_keepalive?: { readonly interval?: string; readonly timeout?: string };
}

/** PINGs on connections; without an interval there are none. */
export function readKeepalive(fields: Http2Fields['connection_keepalive']): KeepaliveOptions | undefined {
  if (fields !== undefined && fields.timeout === undefined) {
    throw new ConfigProblem('http2_protocol_options.connection_keepalive.timeout', 'value is required');
  }
  const intervalMs = durationMs(fields?.interval, 'connection_keepalive.interval', 0);
  if (intervalMs === 0) return undefined;
  return { intervalMs, timeoutMs: durationMs(fields?.timeout, 'connection_keepalive.timeout', 0) };
}
