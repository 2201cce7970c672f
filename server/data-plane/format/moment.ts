export const DAYS: readonly string[] = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
export const MONTHS: readonly string[] = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAY_MS = 86_400_000;
const WEEK = 7;

/** A point in time, and what calendars and clocks of a zone say then. */
export interface Moment {
  /** Since 1970. */
  readonly ms: number;
  readonly zone: 'utc' | 'local';
  /** Shifted by the zone's offset: its parts in UTC are those of the zone. */
  readonly date: Date;
  readonly offsetMinutes: number;
  readonly dayOfYear: number;
}

export function momentOf(ms: number, zone: 'utc' | 'local'): Moment {
  const offsetMinutes = zone === 'utc' ? 0 : -new Date(ms).getTimezoneOffset();
  const date = new Date(ms + offsetMinutes * 60_000);
  return { ms, zone, date, offsetMinutes, dayOfYear: dayOfYear(date) };
}

/** From 1 on. */
const dayOfYear = (date: Date): number =>
  Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;

/** Weeks of a year that begin on this day, Sunday being 0; days before the first are in week 0. */
export const weekOfYear = (date: Date, firstDay: 0 | 1): number =>
  Math.floor((dayOfYear(date) - 1 + WEEK - ((date.getUTCDay() + WEEK - firstDay) % WEEK)) / WEEK);

/** Weeks of ISO 8601 belong to the year of their Thursday. */
export function isoWeek(date: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(date.getTime() + (4 - (date.getUTCDay() || WEEK)) * DAY_MS);
  return { year: thursday.getUTCFullYear(), week: Math.ceil(dayOfYear(thursday) / WEEK) };
}
