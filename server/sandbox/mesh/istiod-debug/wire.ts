import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A field by its number; numbers travel as varints. */
export type Field = readonly [number, string | Uint8Array | number];

/** A protobuf message of these fields, in their order. */
export function message(fields: readonly Field[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (typeof value === 'number') writer.tag(number, WireType.Varint).int32(value);
    else if (typeof value === 'string') writer.tag(number, WireType.LengthDelimited).string(value);
    else writer.tag(number, WireType.LengthDelimited).bytes(value);
  }
  return writer.finish();
}

/** google.protobuf.Any. */
export const any = (typeUrl: string, value: Uint8Array): Uint8Array =>
  message([
    [1, typeUrl],
    [2, value],
  ]);

/** google.protobuf.Timestamp. */
export const timestamp = (ms: number): Uint8Array =>
  message([
    [1, Math.floor(ms / 1000)],
    [2, (ms % 1000) * 1_000_000],
  ]);

export interface StatusRequest {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly names: readonly string[];
}

/** DiscoveryRequest: resource_names (3), type_url (4), response_nonce (5). */
export function readRequest(bytes: Uint8Array): StatusRequest {
  const reader = new BinaryReader(bytes);
  const names: string[] = [];
  let [typeUrl, nonce] = ['', ''];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 3) names.push(reader.string());
    else if (field === 4) typeUrl = reader.string();
    else if (field === 5) nonce = reader.string();
    else reader.skip(wireType, field);
  }
  return { typeUrl, nonce, names };
}
