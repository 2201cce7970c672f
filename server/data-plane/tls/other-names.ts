/** One element of DER (X.690): its tag, and where its content lies. */
interface Element {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

const SUBJECT_ALT_NAME = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x11]);
const OCTETS = 0x04;
const INTEGER = 0x02;
/** `otherName [0]` of GeneralName, and the value inside of it. */
const OTHER_NAME = 0xa0;
/** UTF8String, NumericString, PrintableString, T61String, IA5String, VisibleString, and octets. */
const TEXTS: ReadonlySet<number> = new Set([OCTETS, 0x0c, 0x12, 0x13, 0x14, 0x16, 0x1a]);
const LONG_LENGTH = 0x80;

/** Undefined where no element fits. */
function elementAt(bytes: Buffer, at: number): Element | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) return undefined;
  const digits = first < LONG_LENGTH ? 0 : first - LONG_LENGTH;
  if (digits > 4 || at + 2 + digits > bytes.length) return undefined;
  const length = digits === 0 ? first : bytes.readUIntBE(at + 2, digits);
  const start = at + 2 + digits;
  return start + length > bytes.length ? undefined : { tag, start, end: start + length };
}

function childrenOf(bytes: Buffer, { start, end }: Element): Element[] {
  const children: Element[] = [];
  for (let at = start; at < end; ) {
    const child = elementAt(bytes, at);
    if (child === undefined) return children;
    children.push(child);
    at = child.end;
  }
  return children;
}

function valueOf(bytes: Buffer, { tag, start, end }: Element): string[] {
  if (TEXTS.has(tag)) return [bytes.toString('utf8', start, end)];
  if (tag !== INTEGER || end === start) return [];
  return [BigInt.asIntN((end - start) * 8, BigInt(`0x${bytes.toString('hex', start, end)}`)).toString()];
}

/** The values of a certificate's alternative names of kinds that X.509 itself does not know (RFC 5280 §4.2.1.6: otherName). */
export function otherNames({ raw }: { readonly raw: Buffer }): string[] {
  const found = raw.indexOf(SUBJECT_ALT_NAME);
  if (found < 0) return [];
  let extension = elementAt(raw, found + SUBJECT_ALT_NAME.length);
  // It may be said before that the extension is critical.
  if (extension !== undefined && extension.tag !== OCTETS) extension = elementAt(raw, extension.end);
  const names = extension && elementAt(raw, extension.start);
  if (names === undefined) return [];
  return childrenOf(raw, names)
    .filter(({ tag }) => tag === OTHER_NAME)
    .flatMap((name) => {
      const [, wrapped] = childrenOf(raw, name);
      const value = wrapped && elementAt(raw, wrapped.start);
      return value === undefined ? [] : valueOf(raw, value);
    });
}
