import { formatDuration, parseDurationMs } from '#domain';
import type { Duration } from '#xds';

/** A duration as a learner writes it (`10ms`, `1m30s`) as protobuf JSON writes it (`0.01s`, `90s`). Other text stays as it is. */
export function protoDuration(text: string): Duration {
  const ms = parseDurationMs(text);
  return ms === undefined ? text : formatDuration(ms);
}
