const DIRECTIVE = /%(?:%|([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(?:hh|h|ll|l|L|q|j|z|t)?([a-zA-Z]))/y;
const MAX_WIDTH = 10_000;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\u0007',
  b: '\b',
  f: '\f',
  v: '\v',
  e: '\u001b',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/** Where the values of a format come from: `undefined` when there is none left. */
export interface FormatValues {
  text(): string | undefined;
  number(): number | undefined;
}

/** `\n`, `\t`, `\101`, `\x41` as C reads them; what is no escape stays. `stop`: at `\c`, which ends all output. */
export function unescape(text: string, octal: 'c' | 'echo' = 'c'): { readonly text: string; readonly stop: boolean } {
  let result = '';
  const pattern = /\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|(0?[0-7]{1,3})|(c)|(.))|[^\\]+|\\$/gs;
  for (const [whole, hex, unicode, digits, stop, char] of text.matchAll(pattern)) {
    if (stop) return { text: result, stop: true };
    if (hex !== undefined || unicode !== undefined)
      result += String.fromCharCode(Number.parseInt(hex ?? unicode ?? '', 16));
    else if (digits !== undefined) {
      // echo -e wants a zero in front; printf takes three digits with or without it.
      if (octal === 'echo' && !digits.startsWith('0')) result += whole;
      else {
        const taken = digits.slice(0, octal === 'echo' ? 4 : 3);
        result += String.fromCharCode(Number.parseInt(taken, 8) & 0xff) + digits.slice(taken.length);
      }
    } else if (char !== undefined) result += ESCAPES[char] ?? whole;
    else result += whole;
  }
  return { text: result, stop: false };
}

/** A format with its values put in. Throws an Error for what C's printf does not know. Source: POSIX, printf and File Format Notation. */
export function format(template: string, values: FormatValues): string {
  let result = '';
  for (let at = 0; at < template.length; ) {
    const percent = template.indexOf('%', at);
    if (percent < 0) return result + template.slice(at);
    result += template.slice(at, percent);
    DIRECTIVE.lastIndex = percent;
    const found = DIRECTIVE.exec(template);
    if (!found) throw new Error(`%${template[percent + 1] ?? ''}: invalid directive`);
    result += found[0] === '%%' ? '%' : directive(found, values);
    at = DIRECTIVE.lastIndex;
  }
  return result;
}

function directive([whole, flags = '', width, precision, kind = '']: RegExpExecArray, values: FormatValues): string {
  const size = (text: string | undefined): number => (text === '*' ? (values.number() ?? 0) : Number(text ?? 0));
  const wide = size(width);
  const exact = whole.includes('.') ? Math.max(0, size(precision)) : undefined;
  const left = flags.includes('-') || wide < 0;
  if (Math.abs(wide) > MAX_WIDTH || (exact ?? 0) > MAX_WIDTH) throw new Error(`${whole}: too wide`);
  const text = converted(kind, { flags, exact, values });
  const padding = Math.abs(wide) - text.length;
  if (padding <= 0) return text;
  if (left) return text + ' '.repeat(padding);
  const zeros = flags.includes('0') && !'sc'.includes(kind) && (exact === undefined || !'diouxX'.includes(kind));
  if (!zeros) return ' '.repeat(padding) + text;
  const [, head = '', digits = ''] = /^([-+ ]?(?:0[xX])?)(.*)$/s.exec(text) ?? [];
  return head + '0'.repeat(padding) + digits;
}

interface Conversion {
  readonly flags: string;
  readonly exact: number | undefined;
  readonly values: FormatValues;
}

function converted(kind: string, { flags, exact, values }: Conversion): string {
  const signed = (value: number, digits: string): string =>
    value < 0 || Object.is(value, -0)
      ? `-${digits}`
      : flags.includes('+')
        ? `+${digits}`
        : flags.includes(' ')
          ? ` ${digits}`
          : digits;
  switch (kind) {
    case 's':
      return (values.text() ?? '').slice(0, exact);
    case 'c':
      return (values.text() ?? '').slice(0, 1);
    case 'b':
      return unescape(values.text() ?? '').text.slice(0, exact);
    case 'q':
      return quoted(values.text() ?? '');
    case 'd':
    case 'i': {
      const value = Math.trunc(values.number() ?? 0) + 0;
      return signed(value, whole(Math.abs(value), 10, exact));
    }
    case 'u':
    case 'o':
    case 'x':
    case 'X': {
      const value = Math.trunc(values.number() ?? 0);
      const text = whole(value, kind === 'o' ? 8 : kind === 'u' ? 10 : 16, exact);
      const marked = flags.includes('#') && value !== 0 ? `${kind === 'o' ? '0' : '0x'}${text}` : text;
      return kind === 'X' ? marked.toUpperCase() : marked;
    }
  }
  if (!'eEfFgG'.includes(kind)) throw new Error(`%${kind}: invalid directive`);
  const value = values.number() ?? 0;
  if (!Number.isFinite(value)) return signed(value, Number.isNaN(value) ? 'nan' : 'inf');
  const text = real(Math.abs(value), kind.toLowerCase(), { exact: exact ?? 6, keepZeros: flags.includes('#') });
  return signed(value, kind === kind.toUpperCase() ? text.toUpperCase() : text);
}

function whole(value: number, base: number, exact: number | undefined): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = BigInt.asUintN(64, BigInt(value)).toString(base);
  return exact === 0 && value === 0 ? '' : digits.padStart(exact ?? 0, '0');
}

function real(value: number, kind: string, { exact, keepZeros }: { exact: number; keepZeros: boolean }): string {
  const digits = Math.min(100, exact);
  const exponential = (places: number): string => value.toExponential(places).replace(/e([-+])(\d)$/, 'e$10$2');
  if (kind === 'e') return exponential(digits);
  if (kind === 'f')
    return value >= 1e21
      ? BigInt(value).toString() + (digits > 0 ? `.${'0'.repeat(digits)}` : '')
      : value.toFixed(digits);
  const significant = digits || 1;
  const exponent = value === 0 ? 0 : Number(/e(.*)$/.exec(value.toExponential(significant - 1))?.[1]);
  const text =
    exponent < -4 || exponent >= significant
      ? exponential(significant - 1)
      : value.toFixed(Math.min(100, significant - 1 - exponent));
  return keepZeros || !text.includes('.') ? text : text.replace(/\.?0+(e|$)/, '$1');
}

const quoted = (text: string): string =>
  text === '' ? "''" : text.replace(/[^\w./:=@%+,-]/g, (char) => (char === '\n' ? "$'\\n'" : `\\${char}`));
