import { RE2JS } from 're2js';
import { isIpAddress } from '../rules/addresses.ts';
import { parseGoDurationNs } from '../rules/durations.ts';
import { parseGoUrl } from '../rules/urls.ts';

/** A value of a CEL expression: JSON, a length of time or a URL. */
export type CelValue = unknown;

/** An expression cannot be computed: a missing field, an operand of the wrong type. */
export class CelEvaluationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CelEvaluationError';
  }
}

/** A length of time in nanoseconds. */
export class CelDuration {
  readonly ns: bigint;
  constructor(ns: bigint) {
    this.ns = ns;
  }
}

export class CelUrl {
  readonly scheme: string;
  readonly host: string;
  constructor(scheme: string, host: string) {
    this.scheme = scheme;
    this.host = host;
  }
}

export const isCelMap = (value: CelValue): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof CelDuration) &&
  !(value instanceof CelUrl);

const patterns = new Map<string, RE2JS>();

/** RE2's search; compiled once. The expressions are those of the schemas, so the cache stays small. */
export function searches(text: string, expression: string): boolean {
  let compiled = patterns.get(expression);
  if (!compiled) {
    compiled = RE2JS.compile(expression);
    patterns.set(expression, compiled);
  }
  return compiled.matcher(text).find();
}

function sizeOf(value: CelValue): number {
  if (typeof value === 'string') return [...value].length;
  if (Array.isArray(value)) return value.length;
  if (isCelMap(value)) return Object.keys(value).length;
  throw new CelEvaluationError('no such overload: size');
}

function text(value: CelValue): string {
  if (typeof value !== 'string') throw new CelEvaluationError('no such overload: a string is expected');
  return value;
}

function index(value: CelValue): number {
  if (typeof value !== 'number') throw new CelEvaluationError('no such overload: an int is expected');
  return value;
}

function toInt(value: CelValue): number {
  if (typeof value === 'number') return Math.trunc(value);
  if (typeof value === 'string' && /^[+-]?\d+$/.test(value)) return Number(value);
  throw new CelEvaluationError(`type conversion error: ${JSON.stringify(value)} is no int`);
}

function toDuration(value: CelValue): CelDuration {
  if (value instanceof CelDuration) return value;
  const ns = parseGoDurationNs(text(value));
  if (ns === undefined) throw new CelEvaluationError(`time: invalid duration ${JSON.stringify(value)}`);
  return new CelDuration(ns);
}

function toUrl(value: CelValue): CelUrl {
  // A URL without a host or a path from the root is none; its fragment is read only the second time.
  const requested = parseGoUrl(text(value), { request: true });
  const parsed = 'problem' in requested ? requested : parseGoUrl(text(value));
  if ('problem' in parsed) throw new CelEvaluationError(`URL parse error: ${parsed.problem}`);
  return new CelUrl(parsed.scheme, parsed.host);
}

function substring(value: CelValue, from: CelValue, to: CelValue): string {
  const chars = [...text(value)];
  const start = index(from);
  const end = to === undefined ? chars.length : index(to);
  if (start < 0 || end > chars.length || start > end) throw new CelEvaluationError(`index out of range: ${end}`);
  return chars.slice(start, end).join('');
}

const url = (value: CelValue): CelUrl => {
  if (!(value instanceof CelUrl)) throw new CelEvaluationError('no such overload: a URL is expected');
  return value;
};

/** Functions by name, of CEL and of Kubernetes' libraries. A method's first argument is its target. */
export const celFunctions: Readonly<Record<string, (...args: CelValue[]) => CelValue>> = {
  size: sizeOf,
  startsWith: (value, part) => text(value).startsWith(text(part)),
  endsWith: (value, part) => text(value).endsWith(text(part)),
  contains: (value, part) => text(value).includes(text(part)),
  matches: (value, expression) => searches(text(value), text(expression)),
  split: (value, separator) => text(value).split(text(separator)),
  lowerAscii: (value) => text(value).toLowerCase(),
  substring,
  int: toInt,
  string: (value) => String(value),
  duration: toDuration,
  isURL: (value) => !('problem' in parseGoUrl(text(value), { request: true })),
  url: toUrl,
  getScheme: (value) => url(value).scheme,
  getHost: (value) => url(value).host,
  isIP: (value) => isIpAddress(text(value)),
};
