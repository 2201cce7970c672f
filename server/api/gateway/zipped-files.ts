import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** Compressed files in memory: a site's text is read by a whole class, and compressed once. */
export interface Zipped {
  /** The file compressed by gzip. `state` changes when the file does. Rejects as `readFile` does. */
  read(file: string, state: string): Promise<Buffer>;
}

const compress = promisify(gzip);
/** Shorter text fits into one packet either way. */
const LEAST_BYTES = 1024;
const MOST_BYTES = 8 * 1_048_576;
/** All that is kept; the whole site is about 6 MB compressed. */
const KEPT_BYTES = 16 * 1_048_576;
const textTypes = /^(?:text\/|application\/(?:json|xml|manifest\+json|wasm)|image\/svg\+xml|font\/ttf)/;

export const isCompressible = (contentType: string, bytes: number): boolean =>
  textTypes.test(contentType) && bytes >= LEAST_BYTES && bytes <= MOST_BYTES;

/** Whether an `Accept-Encoding` has gzip, RFC 9110 section 12.5.3: by name or `*`, and not with a weight of 0. */
export function takesGzip(headers: IncomingHttpHeaders): boolean {
  const weights = new Map<string, number>();
  for (const part of String(headers['accept-encoding'] ?? '').split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    weights.set(coding, weight === undefined ? 1 : Number(weight.slice(2)));
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}

export function createZipped(): Zipped {
  const kept = new Map<string, { readonly state: string; readonly body: Promise<Buffer>; bytes: number }>();
  let keptBytes = 0;

  const drop = (file: string): void => {
    keptBytes -= kept.get(file)?.bytes ?? 0;
    kept.delete(file);
  };
  const make = (file: string, state: string): Promise<Buffer> => {
    drop(file);
    const entry = { state, body: readFile(file).then((text) => compress(text)), bytes: 0 };
    kept.set(file, entry);
    entry.body.then(
      ({ length }) => {
        if (kept.get(file) !== entry) return;
        entry.bytes = length;
        keptBytes += length;
        for (const oldest of kept.keys()) if (keptBytes > KEPT_BYTES) drop(oldest);
      },
      () => kept.get(file) === entry && drop(file),
    );
    return entry.body;
  };
  return {
    read: (file, state) => {
      const known = kept.get(file);
      return known?.state === state ? known.body : make(file, state);
    },
  };
}
