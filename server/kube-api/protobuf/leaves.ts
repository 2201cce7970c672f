import { badRequest } from '../status-error.ts';
import { signed, type WireField, wireFields } from './wire.ts';

type LeafDecoder = (wire: WireField) => unknown;

const text = (wire: WireField): string => (wire.kind === 'bytes' ? wire.value.toString('utf8') : '');

/** The bytes of field 1: how quantities and raw JSON travel. */
function inner(wire: WireField): Buffer {
  if (wire.kind !== 'bytes') return Buffer.alloc(0);
  const field = [...wireFields(wire.value)].find((each) => each.number === 1);
  return field?.kind === 'bytes' ? field.value : Buffer.alloc(0);
}

/** Numbers of a small message by field: times and unions. */
function parts(wire: WireField): Map<number, WireField> {
  return new Map(wire.kind === 'bytes' ? [...wireFields(wire.value)].map((field) => [field.number, field]) : []);
}

const numberOf = (field: WireField | undefined): number => (field?.kind === 'varint' ? signed(field.value) : 0);

/** A time as JSON writes it, null for the zero time. */
function time(wire: WireField, digits: 0 | 6): string | null {
  const fields = parts(wire);
  if (fields.size === 0) return null;
  const [seconds, nanos] = [numberOf(fields.get(1)), numberOf(fields.get(2))];
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw badRequest('the body of the request has a time out of range');
  const fraction = digits === 0 ? '' : `.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}`;
  return `${date.toISOString().slice(0, 19)}${fraction}Z`;
}

function intOrString(wire: WireField): number | string {
  const fields = parts(wire);
  const string = fields.get(3);
  return numberOf(fields.get(1)) === 1 ? (string ? text(string) : '') : numberOf(fields.get(2));
}

function json(wire: WireField): unknown {
  const raw = inner(wire).toString('utf8');
  try {
    return raw === '' ? {} : JSON.parse(raw);
  } catch (error) {
    throw badRequest(`the body of the request embeds broken JSON: ${(error as Error).message}`);
  }
}

const DECODERS: Readonly<Record<string, LeafDecoder>> = {
  string: text,
  '[]byte': (wire) => (wire.kind === 'bytes' ? wire.value.toString('base64') : ''),
  Time: (wire) => time(wire, 0),
  MicroTime: (wire) => time(wire, 6),
  Duration: (wire) => `${numberOf(parts(wire).get(1)) / 1e9}s`,
  Quantity: (wire) => inner(wire).toString('utf8'),
  IntOrString: intOrString,
  RawExtension: json,
  FieldsV1: json,
  JSON: json,
};

/** The decoder of a type with a JSON form of its own; undefined for structs and numbers. */
export const leafDecoder = (type: string): LeafDecoder | undefined =>
  Object.hasOwn(DECODERS, type) ? DECODERS[type] : undefined;

/** Numbers and booleans. */
export function scalar(wire: WireField, type: string): unknown {
  if (wire.kind === 'varint') return type === 'bool' ? wire.value !== 0n : signed(wire.value);
  if (wire.kind === 'fixed64') return wire.value.readDoubleLE();
  if (wire.kind === 'fixed32') return wire.value.readFloatLE();
  throw badRequest(`the body of the request has bytes where a ${type} belongs`);
}
