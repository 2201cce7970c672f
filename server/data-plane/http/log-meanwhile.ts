import type { LogTimes } from '../config/log-times.ts';
import type { ResponseHead } from './codec.ts';
import type { Exchange, RequestLayer } from './exchange.ts';

/** Entries before the end. Source: ActiveStream::log of Envoy's connection manager. */
export function logMeanwhile(exchange: Exchange, type: string): void {
  const { config, info, runtime } = exchange;
  info.logType = type;
  info.durationMs = runtime.clock.monotonic() - info.startedAt;
  for (const write of config.accessLogs) {
    const entry = write(exchange);
    if (entry !== undefined) runtime.onEntry(entry);
  }
  info.logType = '';
}

/** Tells of a tunnel that this answer opens, where the log wants that. */
export function logTunnel(exchange: Exchange, { status }: ResponseHead): void {
  const { config, head } = exchange;
  const opens = status === 101 || (head.method === 'CONNECT' && status >= 200 && status < 300);
  if (opens && config.serving.logTimes.onceOpen) logMeanwhile(exchange, 'DownstreamTunnelSuccessfullyEstablished');
}

/** Tells of a request when it begins, and again and again until it ends, as far as the log wants that. */
export const logBeginnings = ({ atStart, everyMs }: LogTimes): readonly RequestLayer[] => [
  ...(atStart ? [logStart] : []),
  ...(everyMs > 0 ? [logEvery(everyMs)] : []),
];

const logStart: RequestLayer = (exchange) => {
  logMeanwhile(exchange, 'DownstreamStart');
  return 'next';
};

const logEvery =
  (everyMs: number): RequestLayer =>
  (exchange) => {
    const again = (): void => {
      exchange.nextEntry = exchange.runtime.clock.after(everyMs, () => {
        logMeanwhile(exchange, 'DownstreamPeriodic');
        again();
      });
    };
    again();
    return 'next';
  };
