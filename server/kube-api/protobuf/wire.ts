import { badRequest } from '../status-error.ts';

/** One field of a protobuf message as it stands on the wire. */
export type WireField =
  | { readonly number: number; readonly kind: 'varint'; readonly value: bigint }
  | { readonly number: number; readonly kind: 'fixed64' | 'fixed32' | 'bytes'; readonly value: Buffer };

const broken = (): Error => badRequest('the body of the request is no valid protobuf message');

/** Reads the fields of a message in their order. Throws BadRequest when the bytes are no message. */
export function* wireFields(message: Buffer): Generator<WireField> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw broken();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw broken();
  };
  const bytes = (length: number): Buffer => {
    if (length > message.length - at) throw broken();
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = Math.floor(tag / 8);
    if (number === 0) throw broken();
    switch (tag % 8) {
      case 0:
        yield { number, kind: 'varint', value: varint() };
        break;
      case 1:
        yield { number, kind: 'fixed64', value: bytes(8) };
        break;
      case 2:
        yield { number, kind: 'bytes', value: bytes(Number(varint())) };
        break;
      case 5:
        yield { number, kind: 'fixed32', value: bytes(4) };
        break;
      default:
        throw broken();
    }
  }
}

export const signed = (value: bigint): number => Number(BigInt.asIntN(64, value));
