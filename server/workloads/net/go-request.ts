import type { IncomingMessage } from 'node:http';

/** `x-request-id` → `X-Request-Id`, as Go's net/http writes header names. */
export const canonicalName = (name: string): string =>
  name.toLowerCase().replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase());

/** Names and values as they came, without HTTP/2's pseudo headers. */
export function headerPairs(request: IncomingMessage): [name: string, value: string][] {
  const { rawHeaders } = request;
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (!name.startsWith(':')) pairs.push([name, rawHeaders[at + 1] ?? '']);
  }
  return pairs;
}

/** Go's `http.Header` of a request: canonical names in alphabetical order, all values, no Host. */
export function goHeaders(request: IncomingMessage): Record<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [raw, value] of headerPairs(request)) {
    const name = canonicalName(raw);
    if (name === 'Host' || name === 'Transfer-Encoding') continue;
    found.set(name, [...(found.get(name) ?? []), value]);
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export const hostOf = (request: IncomingMessage): string =>
  (request.headers[':authority'] as string | undefined) ?? request.headers.host ?? '';

/** `HTTP/1.1`, `HTTP/2.0`. */
export const protoOf = (request: IncomingMessage): string => `HTTP/${request.httpVersion}`;

/** The peer's address without its port. */
export const peerOf = (request: IncomingMessage): string => request.socket.remoteAddress ?? '';

/** Go's time.ParseDuration for the common units; undefined for what it would refuse. */
export function goDurationMs(text: string): number | undefined {
  const units: Readonly<Record<string, number>> = {
    ns: 1e-6,
    us: 1e-3,
    µs: 1e-3,
    ms: 1,
    s: 1000,
    m: 60_000,
    h: 3_600_000,
  };
  if (!/^([\d.]+(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  return [...text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)].reduce(
    (sum, [, value, unit]) => sum + Number(value) * (units[unit ?? ''] ?? 0),
    0,
  );
}
