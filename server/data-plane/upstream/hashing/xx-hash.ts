import createHasher from 'xxhash-wasm';

const { h64, h64Raw } = await createHasher();

/** xxHash64, the hash of Envoy's consistent hashing: unsigned 64 bits. Text is hashed as latin1, as it stands in a head. */
export function xxHash64(text: string, seed = 0n): bigint {
  return isAscii(text) ? h64(text, seed) : h64Raw(Buffer.from(text, 'latin1'), seed);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
