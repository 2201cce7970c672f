import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** How a field is told: a text, a number, a message, or a map from texts to texts or to messages. */
export type FieldShape =
  | 'text'
  | 'number'
  | { readonly message: MessageShape }
  | { readonly map: 'text' | MessageShape };

/** The fields of a message, by number: how each is called and what it holds. */
export type MessageShape = ReadonlyMap<number, readonly [name: string, shape: FieldShape]>;

export const shapeOf = (fields: Readonly<Record<string, readonly [number, FieldShape]>>): MessageShape =>
  new Map(Object.entries(fields).map(([name, [number, shape]]) => [number, [name, shape]]));

/** A message as Go prints it: one line, fields in the order of their numbers, maps by key. Fields that the shape does not know are left out. */
export function messageText(bytes: Uint8Array, shape: MessageShape): string {
  return fieldsOf(bytes, shape)
    .sort((a, b) => a.number - b.number || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ text }) => text)
    .join(' ');
}

interface FieldText {
  readonly number: number;
  /** Of an entry of a map. */
  readonly key: string;
  readonly text: string;
}

function fieldsOf(bytes: Uint8Array, shape: MessageShape): FieldText[] {
  const reader = new BinaryReader(bytes);
  const found: FieldText[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const known = shape.get(number);
    if (known === undefined) reader.skip(wireType, number);
    else if (wireType === WireType.LengthDelimited) found.push({ number, ...delimited(known, reader.bytes()) });
    else if (wireType === WireType.Varint) found.push({ number, key: '', text: `${known[0]}:${reader.uint64()}` });
    else reader.skip(wireType, number);
  }
  return found;
}

function delimited([name, shape]: readonly [string, FieldShape], bytes: Uint8Array): Omit<FieldText, 'number'> {
  if (typeof shape === 'string') return { key: '', text: `${name}:${quoted(bytes)}` };
  if ('message' in shape) return { key: '', text: `${name}:{${messageText(bytes, shape.message)}}` };
  const [key, value] = entryOf(bytes);
  const told = shape.map === 'text' ? quoted(value) : `{${messageText(value, shape.map)}}`;
  return { key: Buffer.from(key).toString('utf8'), text: `${name}:{key:${quoted(key)} value:${told}}` };
}

/** Key (1) and value (2) of an entry of a map. */
function entryOf(bytes: Uint8Array): [key: Uint8Array, value: Uint8Array] {
  const reader = new BinaryReader(bytes);
  let [key, value] = [new Uint8Array(), new Uint8Array()];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) reader.skip(wireType, number);
    else if (number === 1) key = new Uint8Array(reader.bytes());
    else value = new Uint8Array(reader.bytes());
  }
  return [key, value];
}

const quoted = (bytes: Uint8Array): string => JSON.stringify(Buffer.from(bytes).toString('utf8'));
