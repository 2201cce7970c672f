import { type Options, wholeNumber } from './options.ts';
import { UsageError } from './shell.ts';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 36_500;

/** From when to when: `-not_before`, `-not_after` (`[YY]YYMMDDHHMMSSZ`), or `-days` from now. */
export function validity(verb: string, options: Options, nowMs: number): { notBeforeMs: number; notAfterMs: number } {
  const days = options.text('days');
  const notBefore = options.text('not_before');
  const notAfter = options.text('not_after');
  const lifeDays = days === undefined ? DEFAULT_DAYS : wholeNumber(verb, 'days', days, { min: 0, max: MAX_DAYS });
  return {
    notBeforeMs: notBefore === undefined ? nowMs : readTime(verb, 'not_before', notBefore, nowMs),
    notAfterMs: notAfter === undefined ? nowMs + lifeDays * DAY_MS : readTime(verb, 'not_after', notAfter, nowMs),
  };
}

function readTime(verb: string, option: string, text: string, nowMs: number): number {
  if (text === 'today') return nowMs;
  const [, century, rest = ''] = /^(\d\d)?(\d{12})Z$/.exec(text) ?? [];
  const digits = century === undefined ? `${Number(rest.slice(0, 2)) < 50 ? '20' : '19'}${rest}` : century + rest;
  const iso = digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6Z');
  const ms = Date.parse(iso);
  if (Number.isNaN(ms))
    throw new UsageError(
      `${verb}: "${text}" for -${option} must be a time as YYYYMMDDHHMMSSZ, such as 20250101000000Z`,
    );
  return ms;
}
