import type { LogEntry } from '#contract';

/** What a week's forecasts came to. */
export interface Week {
  /** Its Monday, midnight in the reader's zone. */
  fromMs: number;
  figures: number;
  close: number;
  /** Forecasts of shares, and by how many points they were off in all. */
  shares: number;
  offPoints: number;
}

const POINTS = 10;
const LATENCY_SHARE = 1 / 3;
const LATENCY_MS = 5;

/** Forecasts by week, newest first. A share is close within ten points, another figure within a third. */
export function weeksOf(entries: readonly LogEntry[]): Week[] {
  const weeks = new Map<number, Week>();
  for (const entry of entries) {
    if (entry.kind !== 'forecast') continue;
    const fromMs = mondayOf(entry.atMs);
    const week = weeks.get(fromMs) ?? { fromMs, figures: 0, close: 0, shares: 0, offPoints: 0 };
    const off = Math.abs(entry.said - entry.was);
    const share = entry.unit === '%';
    week.figures += 1;
    if (off <= (share ? POINTS : Math.max(LATENCY_MS, entry.was * LATENCY_SHARE))) week.close += 1;
    if (share) {
      week.shares += 1;
      week.offPoints += off;
    }
    weeks.set(fromMs, week);
  }
  return [...weeks.values()].sort((a, b) => b.fromMs - a.fromMs);
}

function mondayOf(atMs: number): number {
  const day = new Date(atMs);
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - ((day.getDay() + 6) % 7));
  return day.getTime();
}
