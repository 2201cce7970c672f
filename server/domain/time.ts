/** A timer that can be cancelled; cancelling twice is harmless. */
export interface Timer {
  cancel(): void;
}

/**
 * The only way a room learns the time or waits. Injected, so that a lab can run slowly or step by step and tests never sleep.
 * All figures are milliseconds and may have a fraction.
 */
export interface Clock {
  /** Wall time, milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Monotonic time for durations; its zero is arbitrary. */
  monotonic(): number;
  /** Calls `fire` once, when `delayMs` have passed by `monotonic`, and never before. */
  after(delayMs: number, fire: () => void): Timer;
  /** In slow motion: how far apart things are kept that otherwise happen within one turn, so that they can be seen one by one. Absent, 0: not at all. */
  apartMs?(): number;
}

/** Node takes a longer delay for none at all. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * A clock whose timers may be early by a part of a millisecond, as Node's are because they count whole ones, as one whose timers are not: what
 * takes 2 s never measures 1,999.6 ms. Also waits longer than Node's timers can.
 */
export function neverEarly(clock: Clock): Clock {
  return {
    ...clock,
    after: (delayMs, fire) => {
      const dueMs = clock.monotonic() + delayMs;
      const look = (): void => {
        const leftMs = dueMs - clock.monotonic();
        if (leftMs > 0) timer = clock.after(Math.min(Math.ceil(leftMs), LONGEST_MS), look);
        else fire();
      };
      let timer = clock.after(Math.min(delayMs, LONGEST_MS), look);
      return { cancel: () => timer.cancel() };
    },
  };
}

const GO_UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Reads a duration as Istio's API and protobuf JSON write it: `7s`, `500ms`, `1h30m`, `0.25s`, `0s`.
 * Returns milliseconds, or undefined when the text is not a duration.
 */
export function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0;
  let rest = text;
  let totalMs = 0;
  while (rest.length > 0) {
    const part = /^(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/.exec(rest);
    if (!part) return undefined;
    totalMs += Number(part[1]) * (GO_UNITS[part[2] ?? ''] ?? Number.NaN);
    rest = rest.slice(part[0].length);
  }
  return text.length === 0 ? undefined : totalMs;
}

/** Writes milliseconds as protobuf JSON does: seconds with up to nine decimals, then `s`. */
export function formatDuration(ms: number): string {
  return `${Number((ms / 1000).toFixed(9))}s`;
}
