/** `23 h 59 min`, `4 min 10 s`, `12 d`; never negative. */
export function spanWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days >= 10) return `${days} d`;
  if (days > 0) return joined([days, 'd'], [hours, 'h']);
  if (hours > 0) return joined([hours, 'h'], [minutes, 'min']);
  return minutes > 0 ? joined([minutes, 'min'], [seconds % 60, 's']) : `${seconds} s`;
}

const joined = (...parts: [number, string][]): string =>
  parts
    .filter(([value], index) => index === 0 || value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');

export interface Life {
  /** Share of its life that is left, 0 to 1. */
  left: number;
  tone: 'ok' | 'slow' | 'error';
  words: string;
  /** Of how much. */
  whole: string;
}

/** How much of a certificate's life is left. Under half an agent should have renewed it; under a tenth something is wrong. */
export function lifeOf({ notBeforeMs, notAfterMs }: { notBeforeMs: number; notAfterMs: number }, nowMs: number): Life {
  const whole = Math.max(1, notAfterMs - notBeforeMs);
  const leftMs = notAfterMs - nowMs;
  const left = Math.min(1, Math.max(0, leftMs / whole));
  if (leftMs <= 0) return { left, tone: 'error', words: `ended ${spanWords(-leftMs)} ago`, whole: spanWords(whole) };
  const tone = left < 0.1 ? 'error' : left < 0.45 ? 'slow' : 'ok';
  return { left, tone, words: `${spanWords(leftMs)} left`, whole: spanWords(whole) };
}

/** `4f:1c:…:9a` of a serial number that is too long for a line. */
export function shortSerial(serial: string): string {
  const pairs = serial.match(/.{1,2}/g) ?? [];
  return pairs.length <= 6 ? pairs.join(':') : `${pairs.slice(0, 3).join(':')}…${pairs.slice(-2).join(':')}`;
}
