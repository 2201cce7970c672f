import { ConfigProblem } from '../config/problem.ts';
import { DAYS, isoWeek, MONTHS, type Moment, momentOf, weekOfYear } from './moment.ts';

/** Conversions that write a newline, which would end a line of a log or break a header. */
const NEWLINE = /%[-_0^#]*[1-9]*[EO]?n/;

/** Refuses a format of times that writes a newline. */
export function checkTimeFormat(format: string, field: string): void {
  if (NEWLINE.test(format))
    throw new ConfigProblem(field, 'Invalid header configuration. Format string contains newline.');
}

/**
 * `%f` to `%9f` fractions; of absl `%E3S` and `%E*S` seconds with a fraction, `%E3f` and `%E*f` fractions, offsets with colons, `%E4Y` and
 * `%ET`; else flags, a width, E or O and one letter, as in strftime of glibc.
 */
const SPECIFIER =
  /%(?:([1-9])?f|E(\d{1,2}|\*)([Sf])|(Ez|E\*z|:{1,3}z)|E4(Y)|E(T)|([-_0^#]*)(\d{0,2})([EO]?)([a-zA-Z%]))/g;

/** What the letters of glibc are that E or O may stand before. */
const MODIFIED = { E: /[cCpPrRstuxXyYZ%]/, O: /[bBCdegGhHIjklmMpPrRsStTuUVwWyzZ%]/ } as const;

interface Directive {
  readonly flags: string;
  readonly width: number;
  readonly letter: string;
}

/** Formats a time as Envoy's `%START_TIME(…)%` does. Fractions beyond milliseconds are zeros. What is no conversion stays as it is. */
export function formatTime(ms: number, format: string, zone: 'utc' | 'local'): string {
  const moment = momentOf(ms, zone);
  return format.replace(SPECIFIER, (whole: string, ...groups: (string | undefined)[]) => {
    const [digits, precision, what, offset, year, separator, flags = '', width = '', modifier = '', letter = ''] =
      groups;
    if (precision !== undefined) return withFraction(moment, precision, what === 'S');
    if (offset !== undefined) return offsetText(moment, offset);
    if (year !== undefined) return String(moment.date.getUTCFullYear());
    if (separator !== undefined) return separator;
    if (letter === '') return fraction(moment).slice(0, Number(digits ?? 9));
    if (modifier !== '' && !MODIFIED[modifier as 'E' | 'O'].test(letter)) return whole;
    return converted(moment, { flags, width: Number(width), letter }) ?? whole;
  });
}

/** Nine digits. */
const fraction = ({ date }: Moment): string => `${String(date.getUTCMilliseconds()).padStart(3, '0')}000000`;

/** `*` takes as many digits as there are. */
function withFraction(moment: Moment, precision: string, seconds: boolean): string {
  const all = fraction(moment);
  const digits =
    precision === '*' ? all.replace(/0+$/, '') : all.padEnd(Number(precision), '0').slice(0, Number(precision));
  if (!seconds) return digits === '' ? '0' : digits;
  const whole = String(moment.date.getUTCSeconds()).padStart(2, '0');
  return digits === '' ? whole : `${whole}.${digits}`;
}

function offsetText({ offsetMinutes }: Moment, kind: string): string {
  const all = Math.abs(offsetMinutes);
  const [hours, minutes] = [Math.floor(all / 60), all % 60].map((part) => String(part).padStart(2, '0'));
  const sign = offsetMinutes < 0 ? '-' : '+';
  if (kind === ':::z') return `${sign}${hours}${minutes === '00' ? '' : `:${minutes}`}`;
  return `${sign}${hours}:${minutes}${kind === '::z' || kind === 'E*z' ? ':00' : ''}`;
}

/** Undefined where the letter is none. */
function converted(moment: Moment, directive: Directive): string | undefined {
  const { flags, width, letter } = directive;
  const number = NUMBERS.get(letter);
  if (number !== undefined) return padded(String(number.read(moment)), number.digits, number.pad, directive);
  if (letter === 'z') {
    const { offsetMinutes } = moment;
    const all = Math.abs(offsetMinutes);
    const hoursMinutes = Math.floor(all / 60) * 100 + (all % 60);
    return (offsetMinutes < 0 ? '-' : '+') + padded(String(hoursMinutes), 4, '0', { ...directive, width: width - 1 });
  }
  const text = TEXTS.get(letter)?.(moment);
  return text === undefined ? undefined : cased(text, flags, letter).padStart(width, flags.includes('0') ? '0' : ' ');
}

/** The last of the flags that tell how to fill up counts. */
function padded(digits: string, least: number, byDefault: string, { flags, width }: Directive): string {
  const flag = /[-_0](?=[^-_0]*$)/.exec(flags)?.[0] ?? byDefault;
  if (flag === '-') return digits.padStart(width, ' ');
  return digits.padStart(Math.max(least, width), flag === '_' ? ' ' : '0');
}

function cased(text: string, flags: string, letter: string): string {
  if (letter === 'P') return text;
  if (flags.includes('#') && /[pZ]/.test(letter)) return text.toLowerCase();
  return flags.includes('^') || (flags.includes('#') && /[aAbBh]/.test(letter)) ? text.toUpperCase() : text;
}

interface NumberPart {
  readonly digits: number;
  readonly pad: '0' | '_';
  readonly read: (moment: Moment) => number;
}

const part = (read: (moment: Moment) => number, digits = 2, pad: NumberPart['pad'] = '0'): NumberPart => ({
  digits,
  pad,
  read,
});
const twelve = (hour: number): number => (hour % 12 === 0 ? 12 : hour % 12);

const NUMBERS: ReadonlyMap<string, NumberPart> = new Map([
  ['Y', part(({ date }) => date.getUTCFullYear(), 1)],
  ['C', part(({ date }) => Math.floor(date.getUTCFullYear() / 100))],
  ['y', part(({ date }) => date.getUTCFullYear() % 100)],
  ['G', part(({ date }) => isoWeek(date).year, 1)],
  ['g', part(({ date }) => isoWeek(date).year % 100)],
  ['V', part(({ date }) => isoWeek(date).week)],
  ['U', part(({ date }) => weekOfYear(date, 0))],
  ['W', part(({ date }) => weekOfYear(date, 1))],
  ['m', part(({ date }) => date.getUTCMonth() + 1)],
  ['d', part(({ date }) => date.getUTCDate())],
  ['e', part(({ date }) => date.getUTCDate(), 2, '_')],
  ['j', part(({ dayOfYear }) => dayOfYear, 3)],
  ['H', part(({ date }) => date.getUTCHours())],
  ['k', part(({ date }) => date.getUTCHours(), 2, '_')],
  ['I', part(({ date }) => twelve(date.getUTCHours()))],
  ['l', part(({ date }) => twelve(date.getUTCHours()), 2, '_')],
  ['M', part(({ date }) => date.getUTCMinutes())],
  ['S', part(({ date }) => date.getUTCSeconds())],
  ['s', part(({ ms }) => Math.floor(ms / 1000), 1)],
  ['u', part(({ date }) => (date.getUTCDay() === 0 ? 7 : date.getUTCDay()), 1)],
  ['w', part(({ date }) => date.getUTCDay(), 1)],
]);

const again =
  (format: string): ((moment: Moment) => string) =>
  ({ ms, zone }) =>
    formatTime(ms, format, zone);
const dayName = ({ date }: Moment): string => DAYS[date.getUTCDay()]!;
const monthName = ({ date }: Moment): string => MONTHS[date.getUTCMonth()]!;
const half = ({ date }: Moment): string => (date.getUTCHours() < 12 ? 'AM' : 'PM');

const TEXTS: ReadonlyMap<string, (moment: Moment) => string> = new Map([
  ['%', () => '%'],
  ['t', () => '\t'],
  ['p', half],
  ['P', (moment: Moment) => half(moment).toLowerCase()],
  ['a', (moment: Moment) => dayName(moment).slice(0, 3)],
  ['A', dayName],
  ['b', (moment: Moment) => monthName(moment).slice(0, 3)],
  ['h', (moment: Moment) => monthName(moment).slice(0, 3)],
  ['B', monthName],
  [
    'Z',
    ({ offsetMinutes, ...moment }: Moment) => (offsetMinutes === 0 ? 'UTC' : again('%z')({ ...moment, offsetMinutes })),
  ],
  ['F', again('%Y-%m-%d')],
  ['T', again('%H:%M:%S')],
  ['R', again('%H:%M')],
  ['D', again('%m/%d/%y')],
  ['r', again('%I:%M:%S %p')],
  ['c', again('%a %b %e %H:%M:%S %Y')],
  ['x', again('%m/%d/%y')],
  ['X', again('%H:%M:%S')],
]);
