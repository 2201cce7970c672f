import type { LogLineView } from '#contract';
import type { HopRecord } from '#domain';
import { responseFlags } from '#telemetry';

/** A hop as the line that its proxy wrote. */
export function logLineView({
  spanId,
  parentSpanId,
  startMs,
  proxy,
  direction,
  accessLog,
  response,
}: HopRecord): LogLineView {
  // A call is known by the span of the proxy that sent it.
  const request = direction === 'outbound' ? spanId : parentSpanId;
  return {
    spanId,
    ...(request !== undefined && { request }),
    atMs: startMs,
    pod: proxy.pod,
    service: proxy.service,
    version: proxy.version,
    direction,
    line: accessLog,
    status: response.status,
    flags: response.flags.map((flag) => ({
      flag,
      name: responseFlags[flag]?.name ?? flag,
      meaning: responseFlags[flag]?.meaning ?? '',
    })),
  };
}
