import { LOWER_TOKEN } from './bytes.ts';

/** Places of the names that frame a message or belong to one hop; a name at a higher place is passed on as it is. */
export const HOST = 0;
export const CONNECTION = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const UPGRADE = 4;
export const KEEP_ALIVE = 5;
export const PROXY_CONNECTION = 6;
export const TE = 7;
export const HTTP2_SETTINGS = 8;
/** The first place of an ordinary name. */
export const FIRST_ORDINARY = 9;

/**
 * The same texts in the one copy of each that V8 keeps for names of properties and for literals of the program: comparing such a text with a
 * literal compares pointers.
 */
export const unique = (texts: readonly string[]): readonly string[] =>
  texts.map((text) => Object.keys({ [text]: true })[0]!);

/** Names that requests and answers in a mesh usually carry. */
export const KNOWN_NAMES: readonly string[] = unique(
  `host connection content-length transfer-encoding upgrade keep-alive proxy-connection te http2-settings
  accept accept-charset accept-encoding accept-language accept-ranges access-control-allow-credentials
  access-control-allow-headers access-control-allow-methods access-control-allow-origin access-control-expose-headers
  access-control-max-age access-control-request-headers access-control-request-method age allow authorization b3
  baggage cache-control content-disposition content-encoding content-language content-location content-range content-type
  cookie date dnt end-user etag expect expires forwarded from grpc-accept-encoding grpc-encoding grpc-message grpc-status
  grpc-timeout if-match if-modified-since if-none-match if-range if-unmodified-since last-modified link location
  max-forwards origin pragma proxy-authenticate proxy-authorization range referer retry-after sec-ch-ua sec-fetch-dest
  sec-fetch-mode sec-fetch-site sec-websocket-accept sec-websocket-extensions sec-websocket-key sec-websocket-protocol
  sec-websocket-version server set-cookie strict-transport-security traceparent tracestate trailer
  upgrade-insecure-requests user-agent vary via warning www-authenticate x-b3-flags x-b3-parentspanid x-b3-sampled
  x-b3-spanid x-b3-traceid x-canary x-content-type-options x-envoy-attempt-count x-envoy-decorator-operation
  x-envoy-expected-rq-timeout-ms x-envoy-external-address x-envoy-internal x-envoy-max-retries x-envoy-original-path
  x-envoy-overloaded x-envoy-peer-metadata x-envoy-peer-metadata-id x-envoy-retry-on x-envoy-upstream-rq-timeout-ms
  x-envoy-upstream-service-time x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-port
  x-forwarded-proto x-frame-options x-powered-by x-real-ip x-request-id x-requested-with`.split(/\s+/),
);

const SLOTS = 1024;

/** The hash that the scanner computes while it reads a name; `lower` is one lower-case byte. */
export function hashStep(hash: number, lower: number): number {
  return (Math.imul(hash, 31) + lower) | 0;
}

/** Open addressing: place in `KNOWN_NAMES` plus one, 0 for a free slot. */
const slots: Uint8Array = (() => {
  const table = new Uint8Array(SLOTS);
  KNOWN_NAMES.forEach((name, place) => {
    let hash = 0;
    for (let i = 0; i < name.length; i++) hash = hashStep(hash, name.charCodeAt(i));
    let slot = hash & (SLOTS - 1);
    while (table[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    table[slot] = place + 1;
  });
  return table;
})();

function spells(name: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) !== LOWER_TOKEN[bytes[start + i]!]) return false;
  return true;
}

/** Place in `KNOWN_NAMES` of the name in `bytes`, in any case; −1 when it is not there. `hash` is `hashStep` over its lower case. */
export function placeOfName(bytes: Uint8Array, start: number, end: number, hash: number): number {
  const length = end - start;
  for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
    const entry = slots[slot]!;
    if (entry === 0) return -1;
    const name = KNOWN_NAMES[entry - 1]!;
    if (name.length === length && spells(name, bytes, start)) return entry - 1;
  }
}
