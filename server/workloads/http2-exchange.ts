import { type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import type { FetchInit } from './doors.ts';

/** Headers of a connection of HTTP/1.1, which no request of HTTP/2 has. Source: RFC 9113 §8.2.2. */
const CONNECTION_HEADERS: readonly string[] = ['connection', 'host', 'keep-alive', 'transfer-encoding', 'upgrade'];

/** The head of an HTTP/2 answer, and the stream that its body comes over. */
export interface Http2Answer {
  readonly status: number;
  readonly lines: readonly (readonly [name: string, value: string])[];
  readonly stream: ClientHttp2Stream;
}

/** Sends one request over a connection of its own. `answer` is told the head, `error` what goes wrong before and after it. */
export function sendHttp2(
  { url, init, socket }: { readonly url: URL; readonly init: FetchInit; readonly socket: Socket },
  on: { answer(answer: Http2Answer): void; error(error: Error): void },
): void {
  const { method = 'GET', target = url.pathname + url.search, body } = init;
  const given = Object.fromEntries(Object.entries(headersOf(init)).map(([name, value]) => [name.toLowerCase(), value]));
  const { host = url.host } = given;
  for (const name of CONNECTION_HEADERS) delete given[name];
  const session = connect(url.origin, { createConnection: () => socket });
  session.on('error', on.error);
  const pseudo = {
    ':method': method,
    ':scheme': url.protocol.slice(0, -1),
    ':authority': String(host),
    ':path': target,
  };
  const stream = session.request({ ...pseudo, ...given }, { endStream: body === undefined });
  stream.on('error', on.error);
  stream.on('response', (headers) => {
    const lines = Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(':') ? [] : [value ?? []].flat().map((each): [string, string] => [name, each]),
    );
    on.answer({ status: headers[':status'] ?? 0, lines, stream });
  });
  // An answer without a body ends before anybody reads it.
  stream.on('close', () => session.close());
  if (body !== undefined) stream.end(body);
}

/** All header lines of a request; names as the first line of each has them. */
export function headersOf({ headers = {}, moreHeaders = [], body }: FetchInit): OutgoingHttpHeaders {
  const found: OutgoingHttpHeaders = { ...headers };
  for (const [name, value] of moreHeaders) {
    const known = Object.keys(found).find((each) => each.toLowerCase() === name.toLowerCase()) ?? name;
    found[known] = [found[known] ?? [], value].flat().map(String);
  }
  if (body !== undefined) found['content-length'] = Buffer.byteLength(body);
  return found;
}
