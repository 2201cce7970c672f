import { format } from '../text/printf-format.ts';

/** Text that came from outside: it counts as a number where it looks like one. */
export interface Given {
  readonly text: string;
  /** Undefined when it does not look like a number. */
  readonly number: number | undefined;
}

/** `undefined`: a variable that nobody has set, which is both 0 and "". */
export type Value = number | string | Given | undefined;

const NUMBER = /^[ \t\n]*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/;

/** Text as a field, a variable of `-v` or an element of `split` has it. */
export function given(text: string): Given {
  const found = NUMBER.exec(text)?.[0];
  const isNumber = found !== undefined && text.slice(found.length).trim() === '';
  return { text, number: isNumber ? Number(text.trim()) : undefined };
}

export function numberOf(value: Value): number {
  if (typeof value === 'number') return value;
  if (value === undefined) return 0;
  if (typeof value === 'string') return leading(value);
  return value.number ?? leading(value.text);
}

/** The number that a text begins with, 0 without one. */
const leading = (text: string): number => Number(NUMBER.exec(text)?.[0] ?? 0);

export function textOf(value: Value, numberFormat = '%.6g'): string {
  if (typeof value === 'string') return value;
  if (value === undefined) return '';
  if (typeof value !== 'number') return value.text;
  if (Number.isInteger(value)) return Math.abs(value) < 1e16 ? String(value + 0) : BigInt(value).toString();
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf';
  return format(numberFormat, { text: () => undefined, number: () => value });
}

export function truthOf(value: Value): boolean {
  if (typeof value === 'number') return value !== 0;
  if (value === undefined) return false;
  if (typeof value === 'string') return value !== '';
  return value.number === undefined ? value.text !== '' : value.number !== 0;
}

/** Below 0, 0 or above: as numbers where both are numbers or look like them, else as text. */
export function compare(left: Value, right: Value): number {
  const [a, b] = [asNumber(left), asNumber(right)];
  if (a !== undefined && b !== undefined) return a - b;
  const [x, y] = [textOf(left), textOf(right)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function asNumber(value: Value): number | undefined {
  if (typeof value === 'string') return undefined;
  if (value === undefined || typeof value === 'number') return value ?? 0;
  return value.number;
}
