import { formatDuration, parseDurationMs } from '#domain';
import type { Duration } from '#xds';

/** A duration as a learner writes it (`10ms`, `1m30s`) as protobuf JSON writes it (`0.010s`, `90s`). Other text stays as it is. */
export function protoDuration(text: string): Duration {
  const ms = parseDurationMs(text);
  return ms === undefined ? text : durationOfMs(ms);
}

/** Milliseconds as protobuf JSON writes a duration: no fraction, or one of three, six or nine digits. */
export const durationOfMs = (ms: number): Duration =>
  formatDuration(ms).replace(/\.(\d+)s$/, (_, fraction: string) => {
    return `.${fraction.padEnd(Math.ceil(fraction.length / 3) * 3, '0')}s`;
  });
