const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = 'January February March April May June July August September October November December'.split(' ');

const two = (value: number): string => String(value).padStart(2, '0');

/** A time in UTC after a format of `date` and strftime. `%N`, the nanoseconds, are those of whole milliseconds. Source: POSIX, date. */
export function formatDate(format: string, atMs: number): string {
  const date = new Date(atMs);
  const [day, month] = [DAYS[date.getUTCDay()] ?? '', MONTHS[date.getUTCMonth()] ?? ''];
  const hours = date.getUTCHours();
  const [, ymd = '', hms = ''] = /^(.*)T(.*)\./.exec(date.toISOString()) ?? [];
  const startOfYearMs = Date.UTC(date.getUTCFullYear(), 0, 1);
  const values: Readonly<Record<string, string>> = {
    a: day.slice(0, 3),
    A: day,
    b: month.slice(0, 3),
    B: month,
    h: month.slice(0, 3),
    c: `${day.slice(0, 3)} ${month.slice(0, 3)} ${String(date.getUTCDate()).padStart(2)} ${hms} ${date.getUTCFullYear()}`,
    d: two(date.getUTCDate()),
    D: `${two(date.getUTCMonth() + 1)}/${two(date.getUTCDate())}/${two(date.getUTCFullYear() % 100)}`,
    e: String(date.getUTCDate()).padStart(2),
    F: ymd,
    H: two(hours),
    I: two(hours % 12 || 12),
    j: String(Math.floor((atMs - startOfYearMs) / 86_400_000) + 1).padStart(3, '0'),
    m: two(date.getUTCMonth() + 1),
    M: two(date.getUTCMinutes()),
    n: '\n',
    N: String(date.getUTCMilliseconds() * 1_000_000).padStart(9, '0'),
    p: hours < 12 ? 'AM' : 'PM',
    R: hms.slice(0, 5),
    s: String(Math.floor(atMs / 1000)),
    S: two(date.getUTCSeconds()),
    t: '\t',
    T: hms,
    u: String(date.getUTCDay() || 7),
    w: String(date.getUTCDay()),
    y: two(date.getUTCFullYear() % 100),
    Y: String(date.getUTCFullYear()),
    z: '+0000',
    Z: 'UTC',
    '%': '%',
  };
  return format.replace(/%(?:(3)N|-?([a-zA-Z%]))/g, (whole, millis: string | undefined, letter: string | undefined) => {
    if (millis !== undefined) return String(date.getUTCMilliseconds()).padStart(3, '0');
    const value = values[letter ?? ''];
    if (value === undefined) return whole;
    return whole.startsWith('%-') ? value.replace(/^[0 ]+(?=\d)/, '') : value;
  });
}
