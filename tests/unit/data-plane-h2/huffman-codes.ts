import { connect } from 'node:http2';
import { duplexPair } from 'node:stream';
import { FrameType, PREFACE } from '../../../server/data-plane/http/h2/frame.ts';
import { framesOf } from './harness.ts';

/** As often as a character stands in the text that teaches its code: so many codes are as many bytes as one code has bits. */
const TIMES = 8;
/** `a`, whose code is short, makes even the text of a rare character shorter in code. */
const PAD = 'a'.repeat(15 * TIMES);
/** Of five bits. */
const PAD_BYTES = 15 * 5;

const CHARACTERS = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter((character) =>
  /[\t\x20-\x7e\x80-\xff]/.test(character),
);

/** Texts in the Huffman code of HPACK, whose codes are learnt from what nghttp2 writes: nothing here comes from our own decoder. */
export async function learnHuffman(): Promise<(text: string) => Buffer> {
  const codes = new Map<string, string>();
  for (let at = 0; at < CHARACTERS.length; at += 40) {
    const some = CHARACTERS.slice(at, at + 40);
    for (const [i, text] of (await huffmanTexts(some.map((one) => PAD + one.repeat(TIMES) + PAD))).entries()) {
      const bits = text.length - 2 * PAD_BYTES;
      codes.set(some[i]!, bitsOf(text.subarray(PAD_BYTES, PAD_BYTES + bits)).slice(0, bits));
    }
  }
  return (text) => {
    const bits = Array.from(text, (character) => codes.get(character) ?? '').join('');
    const whole = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
    return Buffer.from(whole.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
  };
}

const bitsOf = (bytes: Buffer): string => Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');

/** What nghttp2 writes for each of these values, without the length before it. */
async function huffmanTexts(values: readonly string[]): Promise<Buffer[]> {
  const [near, far] = duplexPair();
  const session = connect('http://a', { createConnection: () => far, maxSendHeaderBlockLength: 65_536 });
  session.on('error', () => undefined);
  let sent = Buffer.alloc(0);
  near.on('data', (chunk: Buffer) => {
    sent = Buffer.concat([sent, chunk]);
  });
  const fields = Object.fromEntries(
    values.map((value, i) => [`x-${String.fromCharCode(97 + (i % 26), 97 + i / 26)}`, value]),
  );
  session.request({ ...fields }).on('error', () => undefined);
  const block = (): Buffer | undefined => blockOf(sent.subarray(PREFACE.length));
  while (block() === undefined) await new Promise<void>((resolve) => setImmediate(resolve));
  session.destroy();
  near.destroy();
  return textsOf(block()!).slice(-values.length);
}

/** The first header block, once it is whole. */
function blockOf(bytes: Buffer): Buffer | undefined {
  const frames = framesOf(bytes).filter(({ type }) => type === FrameType.HEADERS || type === FrameType.CONTINUATION);
  if (((frames.at(-1)?.flags ?? 0) & 4) === 0) return undefined;
  return Buffer.concat(frames.map(({ flags, payload }) => ((flags & 0x20) === 0 ? payload : payload.subarray(5))));
}

/** The values of the literals of a block, as they stand there. */
function textsOf(block: Buffer): Buffer[] {
  const texts: Buffer[] = [];
  for (let at = 0; at < block.length; ) {
    const first = block[at]!;
    if (first >= 0x80) {
      at++;
      continue;
    }
    const named = (first & (first >= 0x40 ? 0x3f : 0x0f)) !== 0;
    at++;
    if (!named) at = textAt(block, at).next;
    const { text, next } = textAt(block, at);
    texts.push(text);
    at = next;
  }
  return texts;
}

function textAt(block: Buffer, start: number): { text: Buffer; next: number } {
  let at = start;
  let length = block[at++]! & 0x7f;
  if (length === 0x7f) {
    for (let factor = 1; ; factor *= 128) {
      const byte = block[at++]!;
      length += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
  }
  return { text: block.subarray(at, at + length), next: at + length };
}
