import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';

const ENCODERS: Readonly<Record<string, (body: string) => Buffer>> = {
  br: (body) => brotliCompressSync(body),
  zstd: (body) => zstdCompressSync(body),
  gzip: (body) => gzipSync(body),
};
/** Of the three it comes first in Istio's bootstrap. */
const ANY = 'br';

/**
 * A page for a client that accepts such encodings: the one that it likes best, of equals the first; undefined where it accepts none. Source:
 * the compressors of port 15090 in istio tools/packaging/common/envoy_bootstrap.json, and CompressorFilter in Envoy.
 */
export function encoded(body: string, accept = ''): { readonly encoding: string; readonly body: Buffer } | undefined {
  const liked = accept
    .split(',')
    .map(readPreference)
    .filter(({ encoding, quality }) => quality > 0 && (encoding === 'identity' || encoding in ENCODERS))
    .sort((a, b) => b.quality - a.quality);
  const encoding = liked[0]?.encoding ?? '';
  const encode = ENCODERS[encoding];
  return encode && { encoding, body: encode(body) };
}

function readPreference(part: string): { readonly encoding: string; readonly quality: number } {
  const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim());
  const quality = parameters.find((each) => each.startsWith('q='))?.slice(2);
  return { encoding: name === '*' ? ANY : name, quality: quality === undefined ? 1 : Number(quality) };
}
