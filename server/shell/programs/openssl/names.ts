import { der } from '#ca';
import { UsageError } from '../../command.ts';

/** Attribute types of a distinguished name, by the short names that openssl takes and prints. */
const TYPES: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  SN: '2.5.4.4',
  serialNumber: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  street: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  title: '2.5.4.12',
  GN: '2.5.4.42',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
  emailAddress: '1.2.840.113549.1.9.1',
};

const byOid: ReadonlyMap<string, string> = new Map(
  Object.entries(TYPES).map(([name, id]) => [der.oid(id).toString('hex'), name]),
);
const PRINTABLE_STRING = 0x13;
const IA5_STRING = 0x16;

/** `/O=shop/CN=payments` → the name's DER; a slash inside a value is written `\/`. UsageError for what is no such text. */
export function parseSubject(text: string): Buffer {
  if (!text.startsWith('/')) {
    throw new UsageError(`req: subject name is expected to be in the format /type0=value0/type1=value1/...: ${text}`);
  }
  const parts = text
    .slice(1)
    .split(/(?<!\\)\//)
    .filter((part) => part !== '');
  return der.sequence(
    ...parts.map((part) => {
      const equals = part.indexOf('=');
      const type = part.slice(0, Math.max(0, equals));
      const id = TYPES[type];
      if (id === undefined) throw new UsageError(`req: Unknown subject attribute type "${type || part}"`);
      const value = part.slice(equals + 1).replace(/\\(.)/g, '$1');
      return der.encode(der.tags.set, der.sequence(der.oid(id), valueOf(type, value)));
    }),
  );
}

function valueOf(type: string, value: string): Buffer {
  if (type === 'C') return der.encode(PRINTABLE_STRING, Buffer.from(value, 'latin1'));
  if (type === 'DC' || type === 'emailAddress') return der.encode(IA5_STRING, Buffer.from(value, 'latin1'));
  return der.utf8(value);
}

/** A name as openssl prints it: `O = "Shop, Inc", CN = payments`. */
export function printName(name: Buffer): string {
  return der
    .members(der.first(der.decodeAll(name)))
    .map((set) =>
      der
        .members(set)
        .map((pair) => {
          const [type, value] = der.members(pair);
          const id = type?.raw.toString('hex') ?? '';
          return `${byOid.get(id) ?? dotted(type?.content ?? Buffer.alloc(0))} = ${quoted(value?.content.toString('utf8') ?? '')}`;
        })
        .join(' + '),
    )
    .join(', ');
}

const quoted = (value: string): string =>
  /[,+"\\<>;]|^[# ]| $/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value;

/** `1.2.840.…` of an object identifier's content. */
export function dotted(content: Buffer): string {
  const arcs: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      if (arcs.length === 0) {
        const first = Math.min(2, Math.floor(value / 40));
        arcs.push(first, value - first * 40);
      } else arcs.push(value);
      value = 0;
    }
  }
  return arcs.join('.');
}
