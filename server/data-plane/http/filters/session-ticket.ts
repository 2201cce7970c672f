/** The message `envoy.Cookie` of cookies that keep a session: `address` = 1, `expires` = 2 in seconds. */
const ADDRESS = 0x0a;
const EXPIRES = 0x10;

/** `expiresS` 0: never. */
export function writeTicket(address: string, expiresS: number): Buffer {
  const text = Buffer.from(address);
  const bytes = [ADDRESS, ...varint(text.length), ...text];
  if (expiresS > 0) bytes.push(EXPIRES, ...varint(expiresS));
  return Buffer.from(bytes);
}

/** The address of a ticket that still holds. As in Envoy, what is no ticket counts as the address itself, which older releases wrote. */
export function readTicket(bytes: Buffer, nowMs: number): string | undefined {
  const read = parse(bytes);
  if (read === undefined) return bytes.length === 0 ? undefined : bytes.toString('latin1');
  const expired = read.expires > 0 && read.expires * 1000 < nowMs;
  return expired || read.address === '' ? undefined : read.address;
}

function parse(bytes: Buffer): { address: string; expires: number } | undefined {
  const found = { address: '', expires: 0 };
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at++];
    const number = readVarint(bytes, at);
    if (number === undefined) return undefined;
    at = number.end;
    if (tag === EXPIRES) found.expires = number.value;
    else if (tag === ADDRESS && at + number.value <= bytes.length) {
      found.address = bytes.toString('latin1', at, at + number.value);
      at += number.value;
    } else return undefined;
  }
  return found;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

const LONGEST_VARINT = 10;

function readVarint(bytes: Buffer, from: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let i = 0; i < LONGEST_VARINT && from + i < bytes.length; i++) {
    const byte = bytes[from + i]!;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: from + i + 1 };
  }
  return undefined;
}
