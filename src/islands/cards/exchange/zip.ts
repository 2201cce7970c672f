import { Unzip, type UnzipFile, UnzipInflate } from 'fflate';

/** What was unpacked would be larger than the caller allows. */
export class TooLarge extends Error {}
export class DamagedZip extends Error {}

/** So much is unpacked at a time that a lie about sizes is noticed soon: deflate makes at most a thousand bytes of one. */
const chunkBytes = 16_384;

/**
 * The wanted files of a zip, unpacked. They are read one after another from the beginning, as they lie; the sizes and places that a zip claims
 * for them are not believed. Throws `TooLarge` when all together have more than `maxBytes`, `DamagedZip` when there is no file at all, or a
 * wanted one does not end or comes twice.
 */
export function readZip(
  bytes: Uint8Array,
  { wanted, maxBytes }: { readonly wanted: (name: string) => boolean; readonly maxBytes: number },
): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const open = new Set<string>();
  let total = 0;
  const take = (file: UnzipFile): void => {
    if (open.has(file.name)) throw new DamagedZip(`${file.name} comes twice`);
    open.add(file.name);
    const chunks: Uint8Array[] = [];
    file.ondata = (error, chunk, final) => {
      if (error) throw error;
      total += chunk.length;
      if (total > maxBytes) throw new TooLarge(`more than ${maxBytes} bytes`);
      chunks.push(chunk);
      if (final) found.set(file.name, joined(chunks));
    };
    file.start();
  };
  let files = 0;
  const unzip = new Unzip((file) => {
    files++;
    if (wanted(file.name)) take(file);
  });
  unzip.register(UnzipInflate);
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes)
      unzip.push(bytes.subarray(at, at + chunkBytes), at + chunkBytes >= bytes.length);
  } catch (cause) {
    if (cause instanceof TooLarge || cause instanceof DamagedZip) throw cause;
    throw new DamagedZip('it cannot be unpacked', { cause });
  }
  if (files === 0) throw new DamagedZip('it holds no file');
  const missing = [...open].filter((name) => !found.has(name));
  if (missing.length > 0) throw new DamagedZip(`${missing.join(', ')} does not end`);
  return found;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
