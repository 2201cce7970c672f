function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

/** `0.4 ms`, `9 ms`, `508 ms`, `2.3 s`. */
export function formatMs(ms: number): string {
  if (ms >= 9950) return `${Math.round(ms / 1000)} s`;
  if (ms >= 1000) return `${trimmed(ms / 1000, 1)} s`;
  return `${ms < 5 ? trimmed(ms, 1) : Math.round(ms)} ms`;
}

/** `40/s`, `2.5/s`, `idle`. */
export function formatRate(rps: number): string {
  if (rps < 0.05) return 'idle';
  return `${rps < 10 ? trimmed(rps, 1) : Math.round(rps)}/s`;
}

/** `37 %`; under one in a hundred with a decimal. */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent > 0 && percent < 1 ? trimmed(percent, 1) : Math.round(percent)} %`;
}

/** `14:20:07.912` in the reader's own zone. */
export function formatTime(atMs: number, withMs = true): string {
  const date = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return withMs ? `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}` : clock;
}

/** `1 proxy`, `12 proxies`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `18 kB`. */
export function formatBytes(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${trimmed(bytes / 1000, bytes < 10_000 ? 1 : 0)} kB`;
}
