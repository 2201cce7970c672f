import { unique } from '../h1/header-names.ts';

const ENTRIES: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...(
    'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control ' +
    'content-disposition content-encoding content-language content-length content-location content-range content-type ' +
    'cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since ' +
    'last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after ' +
    'server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate'
  )
    .split(' ')
    .map((name) => [name, ''] as const),
];

/** HPACK's static table (RFC 7541, Appendix A) from index 1 on: name, value, name, value … */
export const STATIC_TABLE: readonly string[] = unique(ENTRIES.flat());

/** Number of entries; dynamic entries follow from the next index on. */
export const STATIC_ENTRIES = STATIC_TABLE.length / 2;

/** What HPACK counts for an entry beyond its text (RFC 7541 §4.1). */
export const ENTRY_OVERHEAD = 32;
