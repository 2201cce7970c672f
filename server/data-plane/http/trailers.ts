import type { Headers } from './headers.ts';

/** Fields that frame or route a message, and so mean nothing in trailers (RFC 9110 §6.5.1). */
const NOT_A_TRAILER: readonly string[] = [
  'content-length',
  'host',
  'content-encoding',
  'authorization',
  'set-cookie',
  'trailer',
  'te',
];

/** The trailers that may be passed on; undefined when none is left. */
export function passableTrailers(trailers: Headers): Headers | undefined {
  for (const name of NOT_A_TRAILER) trailers.remove(name);
  return trailers.flat.length > 0 ? trailers : undefined;
}
