import { TemplateError } from './parse.ts';

/** What a template computes with: JSON, and whole numbers of the template's own, which are bigints. */
export type GoValue = unknown;

const fail = (name: string, text: string): TemplateError => new TemplateError(`error calling ${name}: ${text}`);

/** As Go's `%v`. */
export function show(value: GoValue): string {
  if (value === undefined || value === null) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(inner).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, each]) => `${key}:${inner(each)}`).join(' ')}]`;
}

const inner = (value: GoValue): string => (value === undefined || value === null ? '<nil>' : show(value));

/** Empty values do not hold: false, 0, "", nothing, and what has no elements. */
export function holds(value: GoValue): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return typeof value === 'bigint' ? value !== 0n : Boolean(value);
}

type Kind = 'int' | 'float' | 'string' | 'bool';

function kindOf(value: GoValue): Kind | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  const kinds: Readonly<Record<string, Kind>> = { bigint: 'int', string: 'string', boolean: 'bool' };
  return kinds[typeof value];
}

/** Below 0, 0 or above; Go compares values of one kind only. */
function order(name: string, left: GoValue, right: GoValue): number {
  const [a, b] = [kindOf(left), kindOf(right)];
  if (a === undefined || b === undefined) throw fail(name, 'invalid type for comparison');
  if (a !== b) throw fail(name, 'incompatible types for comparison');
  return (left as string) < (right as string) ? -1 : (left as string) > (right as string) ? 1 : 0;
}

function equal(left: GoValue, right: GoValue): boolean {
  if ((left ?? null) === null || (right ?? null) === null) return (left ?? null) === (right ?? null);
  return order('eq', left, right) === 0;
}

function index(from: GoValue, keys: readonly GoValue[]): GoValue {
  let value = from;
  for (const key of keys) {
    if (value === undefined || value === null) throw fail('index', 'index of untyped nil');
    if (Array.isArray(value)) {
      if (kindOf(key) !== 'int') throw fail('index', `cannot index slice/array with type ${goType(key)}`);
      const place = Number(key);
      if (place < 0 || place >= value.length) throw fail('index', `reflect: slice index out of range`);
      value = value[place];
    } else if (typeof value === 'object') {
      if (typeof key !== 'string') throw fail('index', `value has type ${goType(key)}; should be string`);
      value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
    } else throw fail('index', `can't index item of type ${goType(value)}`);
  }
  return value;
}

function goType(value: GoValue): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  const names: Readonly<Record<string, string>> = {
    bigint: 'int',
    string: 'string',
    boolean: 'bool',
  };
  return names[typeof value] ?? 'map[string]interface {}';
}

function length(value: GoValue): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
  if (Array.isArray(value)) return BigInt(value.length);
  if (typeof value === 'object' && value !== null) return BigInt(Object.keys(value).length);
  throw fail('len', value === null || value === undefined ? 'len of nil pointer' : `len of type ${goType(value)}`);
}

/** Go's verbs that people use; what does not fit is told as Go tells it: `%!d(string=3)`. */
function printf([template, ...values]: readonly GoValue[]): string {
  let at = 0;
  const text = String(template ?? '').replace(
    /%([-+ 0#]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g,
    (_whole, flags: string, width: string, exact: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      if (at >= values.length) return `%!${verb}(MISSING)`;
      const shown = one(verb, values[at++], exact);
      const size = Math.min(1000, Number(width || 0));
      return flags.includes('-')
        ? shown.padEnd(size)
        : shown.padStart(size, flags.includes('0') && /[dfx]/.test(verb) ? '0' : ' ');
    },
  );
  const extra = values.slice(at).map((value) => `${goType(value)}=${show(value)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(', ')})`;
}

function one(verb: string, value: GoValue, exact: string | undefined): string {
  const wrong = (): string => `%!${verb}(${goType(value)}=${show(value)})`;
  switch (verb) {
    case 'v':
      return inner(value);
    case 's':
      return typeof value === 'string'
        ? value.slice(0, exact === undefined ? undefined : Number(exact))
        : typeof value === 'object'
          ? inner(value)
          : wrong();
    case 'q':
      return typeof value === 'string' ? JSON.stringify(value) : wrong();
    case 'd':
      return kindOf(value) === 'int' ? String(value) : wrong();
    case 'f':
      return kindOf(value) === 'float' ? Number(value).toFixed(Math.min(100, Number(exact ?? 6))) : wrong();
    case 't':
      return typeof value === 'boolean' ? String(value) : wrong();
    case 'x':
      return typeof value === 'bigint'
        ? value.toString(16)
        : typeof value === 'string'
          ? Buffer.from(value).toString('hex')
          : wrong();
    default:
      return wrong();
  }
}

/** Go puts a blank between two values of which neither is a text. */
function print(values: readonly GoValue[]): string {
  return values
    .map((value, at) =>
      at > 0 && typeof value !== 'string' && typeof values[at - 1] !== 'string' ? ` ${inner(value)}` : inner(value),
    )
    .join('');
}

export const functions: Readonly<Record<string, (args: readonly GoValue[]) => GoValue>> = {
  not: ([value]) => !holds(value),
  len: ([value]) => length(value),
  index: ([from, ...keys]) => index(from, keys),
  slice: ([from, start = 0n, end]) => {
    if (typeof from !== 'string' && !Array.isArray(from))
      throw fail('slice', `can't slice item of type ${goType(from)}`);
    return from.slice(Number(start), end === undefined ? undefined : Number(end));
  },
  print,
  println: (args) => `${args.map(inner).join(' ')}\n`,
  printf,
  eq: ([first, ...others]) => others.some((other) => equal(first, other)),
  ne: ([left, right]) => !equal(left, right),
  lt: ([left, right]) => order('lt', left, right) < 0,
  le: ([left, right]) => order('le', left, right) <= 0,
  gt: ([left, right]) => order('gt', left, right) > 0,
  ge: ([left, right]) => order('ge', left, right) >= 0,
  urlquery: (args) => encodeURIComponent(print(args)).replaceAll('%20', '+'),
  base64decode: ([text]) => Buffer.from(String(text ?? ''), 'base64').toString('utf8'),
  exists: ([from, ...keys]) => {
    let value = from;
    for (const key of keys) {
      const place = typeof key === 'bigint' ? Number(key) : key;
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, place as PropertyKey)) return false;
      value = (value as Record<PropertyKey, unknown>)[place as PropertyKey];
    }
    return true;
  },
};
