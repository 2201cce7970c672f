import { ConfigProblem } from '../config/problem.ts';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
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

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

/** `%s` seconds, `%3f` to `%9f` fractions, `%E3S` seconds with a fraction, else one letter as in C's strftime. */
const SPECIFIER = /%(?:(\d)?f|E(\d|\*)S|Ez|([a-zA-Z%]))/g;

/** Conversions that write a newline, which would end a line of a log or break a header. */
const NEWLINE = /%[-_0^#]*[1-9]*[EO]?n/;

/** Refuses a format of times that writes a newline. */
export function checkTimeFormat(format: string, field: string): void {
  if (NEWLINE.test(format))
    throw new ConfigProblem(field, 'Invalid header configuration. Format string contains newline.');
}

/** Formats a time as Envoy's `%START_TIME(…)%` does. Fractions beyond milliseconds are zeros. */
export function formatTime(ms: number, format: string, zone: 'utc' | 'local'): string {
  const offsetMinutes = zone === 'utc' ? 0 : -new Date(ms).getTimezoneOffset();
  // The parts of the shifted time, read as UTC, are those of the wanted zone.
  const date = new Date(ms + offsetMinutes * 60_000);
  const fraction = `${pad(date.getUTCMilliseconds(), 3)}000000`;
  return format.replace(SPECIFIER, (whole: string, digits?: string, seconds?: string, letter?: string) => {
    if (letter !== undefined) return PARTS.get(letter)?.({ ms, date, offsetMinutes }) ?? whole;
    if (seconds !== undefined) {
      return `${pad(date.getUTCSeconds())}.${fraction.slice(0, seconds === '*' ? 3 : Number(seconds))}`;
    }
    return whole === '%Ez' ? offset(offsetMinutes, ':') : fraction.slice(0, Number(digits ?? 9));
  });
}

interface Moment {
  readonly ms: number;
  /** Shifted by the zone's offset. */
  readonly date: Date;
  readonly offsetMinutes: number;
}

type Part = (moment: Moment) => string;

const again =
  (format: string): Part =>
  ({ ms, offsetMinutes }) =>
    formatTime(ms, format, offsetMinutes === 0 ? 'utc' : 'local');

const number =
  (read: (date: Date) => number, width = 2): Part =>
  ({ date }) =>
    pad(read(date), width);

const twelve = (hour: number): number => (hour % 12 === 0 ? 12 : hour % 12);
const dayOfYear = (date: Date): number =>
  Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;
const dayName: Part = ({ date }) => DAYS[date.getUTCDay()]!;
const monthName: Part = ({ date }) => MONTHS[date.getUTCMonth()]!;

const PARTS: ReadonlyMap<string, Part> = new Map<string, Part>([
  ['%', () => '%'],
  ['t', () => '\t'],
  ['Y', ({ date }) => String(date.getUTCFullYear())],
  ['C', number((date) => Math.floor(date.getUTCFullYear() / 100))],
  ['y', number((date) => date.getUTCFullYear() % 100)],
  ['m', number((date) => date.getUTCMonth() + 1)],
  ['d', number((date) => date.getUTCDate())],
  ['e', ({ date }) => String(date.getUTCDate()).padStart(2, ' ')],
  ['j', number(dayOfYear, 3)],
  ['H', number((date) => date.getUTCHours())],
  ['I', number((date) => twelve(date.getUTCHours()))],
  ['M', number((date) => date.getUTCMinutes())],
  ['S', number((date) => date.getUTCSeconds())],
  ['s', ({ ms }) => String(Math.floor(ms / 1000))],
  ['p', ({ date }) => (date.getUTCHours() < 12 ? 'AM' : 'PM')],
  ['a', (moment) => dayName(moment).slice(0, 3)],
  ['A', dayName],
  ['b', (moment) => monthName(moment).slice(0, 3)],
  ['h', (moment) => monthName(moment).slice(0, 3)],
  ['B', monthName],
  ['u', ({ date }) => String(date.getUTCDay() === 0 ? 7 : date.getUTCDay())],
  ['w', ({ date }) => String(date.getUTCDay())],
  ['z', ({ offsetMinutes }) => offset(offsetMinutes, '')],
  ['Z', ({ offsetMinutes }) => (offsetMinutes === 0 ? 'UTC' : offset(offsetMinutes, ''))],
  ['F', again('%Y-%m-%d')],
  ['T', again('%H:%M:%S')],
  ['R', again('%H:%M')],
  ['D', again('%m/%d/%y')],
  ['r', again('%I:%M:%S %p')],
  ['c', again('%a %b %e %H:%M:%S %Y')],
  ['x', again('%m/%d/%y')],
  ['X', again('%H:%M:%S')],
]);

function offset(minutes: number, colon: string): string {
  const all = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(all / 60))}${colon}${pad(all % 60)}`;
}
