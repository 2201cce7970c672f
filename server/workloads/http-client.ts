import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '#domain';
import { MeshworkError } from '#domain';
import type { FetchInit, FetchResponse } from './doors.ts';

/** Opens a TCP connection to a host name or address; rejects with the system's error (`ENOTFOUND`, `ECONNREFUSED` …). */
export type Dial = (host: string, port: number) => Promise<Socket>;

/** The caller's own limit passed before the answer was complete. */
export class TimeoutError extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
    this.name = 'TimeoutError';
  }
}

const MAX_RESPONSE_BYTES = 8 * 1024 * 1024;

/** A client that makes one connection per request, so that load balancing is seen request by request. */
export function createFetch(dial: Dial, clock: Clock): (url: string, init?: FetchInit) => Promise<FetchResponse> {
  return (url, init = {}) => exchange({ dial, clock, url: new URL(url), init });
}

interface Exchange {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly url: URL;
  readonly init: FetchInit;
}

function exchange({ dial, clock, url, init }: Exchange): Promise<FetchResponse> {
  if (url.protocol !== 'http:') return Promise.reject(new MeshworkError('MW9201', `cannot fetch ${url.protocol} URLs`));
  const port = url.port === '' ? 80 : Number(url.port);
  return new Promise((resolve, reject) => {
    let sent: ClientRequest | undefined;
    let socket: Socket | undefined;
    let settled = false;
    const settle = (act: () => void): void => {
      if (settled) return;
      settled = true;
      timer?.cancel();
      init.signal?.removeEventListener('abort', onAbort);
      act();
      sent?.destroy();
      socket?.destroy();
    };
    const fail = (error: Error): void => settle(() => reject(error));
    const onAbort = (): void =>
      fail(new MeshworkError('MW9202', 'the request was given up', { cause: init.signal?.reason }));
    const timeoutMs = init.timeoutMs;
    const timer = timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => fail(new TimeoutError(timeoutMs)));
    if (init.signal?.aborted) return onAbort();
    init.signal?.addEventListener('abort', onAbort, { once: true });
    dial(url.hostname, port).then((opened) => {
      socket = opened;
      if (settled) {
        opened.on('error', () => opened.destroy());
        opened.destroy();
        return;
      }
      sent = send(url, init, opened);
      sent.on('error', fail);
      sent.on('response', (response) =>
        collect(response, (outcome) => (outcome instanceof Error ? fail(outcome) : settle(() => resolve(outcome)))),
      );
    }, fail);
  });
}

function send(url: URL, init: FetchInit, socket: Socket): ClientRequest {
  const body = init.body;
  const headers: Record<string, string | number> = { ...init.headers };
  if (body !== undefined) headers['content-length'] = Buffer.byteLength(body);
  const request = httpRequest({
    host: url.hostname,
    port: url.port === '' ? 80 : Number(url.port),
    method: init.method ?? 'GET',
    path: url.pathname + url.search,
    headers,
    createConnection: () => socket,
  });
  request.end(body);
  return request;
}

function collect(response: IncomingMessage, done: (outcome: FetchResponse | Error) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_RESPONSE_BYTES)
      done(new MeshworkError('MW9203', `the answer is larger than ${MAX_RESPONSE_BYTES} bytes`));
    else chunks.push(chunk);
  });
  response.on('error', done);
  response.on('aborted', () =>
    done(new MeshworkError('MW9204', 'the connection was closed in the middle of the answer')),
  );
  response.on('end', () => {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(response.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    done({ status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks) });
  });
}
