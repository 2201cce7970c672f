import type { AppliedFile } from '../../lab-client/index.ts';

const PREFIX = '#text=';
/** A link may be this long, and its text unpacked this long: browsers and chats cut longer ones. */
const LONGEST_LINK = 30_000;
const LONGEST_TEXT = 400_000;

/** The part behind `#` of a link that carries the learner's files: never sent to a server. Undefined when it would be too long. */
export async function packText(files: readonly AppliedFile[]): Promise<string | undefined> {
  const packed = await through(new TextEncoder().encode(JSON.stringify(files)), new CompressionStream('deflate-raw'));
  const text = btoa(String.fromCharCode(...packed))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
  return text.length > LONGEST_LINK ? undefined : PREFIX + text;
}

/** The files that a link carries; undefined when it carries none that can be read. */
export async function unpackText(hash: string): Promise<AppliedFile[] | undefined> {
  if (!hash.startsWith(PREFIX) || hash.length > LONGEST_LINK + PREFIX.length) return undefined;
  try {
    const packed = atob(hash.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(packed, (char) => char.charCodeAt(0));
    const text = new TextDecoder().decode(await through(bytes, new DecompressionStream('deflate-raw')));
    const files: unknown = JSON.parse(text);
    return Array.isArray(files) && files.length <= 20 && files.every(isFile) ? files : undefined;
  } catch {
    // A link that was cut or made up carries nothing.
    return undefined;
  }
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > LONGEST_TEXT) throw new RangeError('the text is too long');
    parts.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const isFile = (value: unknown): value is AppliedFile =>
  typeof value === 'object' &&
  value !== null &&
  'file' in value &&
  typeof value.file === 'string' &&
  /^[a-z0-9][a-z0-9._-]{0,62}\.ya?ml$/i.test(value.file) &&
  'text' in value &&
  typeof value.text === 'string';
