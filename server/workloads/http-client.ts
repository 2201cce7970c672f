import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, TLSSocket } from 'node:tls';
import type { Clock } from '#domain';
import { MeshworkError } from '#domain';
import type { FetchInit, FetchResponse } from './doors.ts';

/** Opens a TCP connection to a host name or address; rejects with the system's error (`ENOTFOUND`, `ECONNREFUSED` …). */
export type Dial = (host: string, port: number) => Promise<Socket>;

/** The caller's own limit passed before the answer was complete. */
export class TimeoutError extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${Math.round(timeoutMs)} ms`);
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
  const secure = url.protocol === 'https:';
  if (!secure && url.protocol !== 'http:')
    return Promise.reject(new MeshworkError('MW9201', `cannot fetch ${url.protocol} URLs`));
  const port = portOf(url);
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
    const connected = secure
      ? dial(url.hostname, port).then((raw) => handshake(raw, url, init))
      : dial(url.hostname, port);
    connected.then((opened) => {
      socket = opened;
      if (settled) {
        opened.on('error', () => opened.destroy());
        opened.destroy();
        return;
      }
      sent = send(url, init, opened);
      sent.on('error', fail);
      sent.on('response', (response) =>
        collect(response, (outcome) =>
          outcome instanceof Error ? fail(outcome) : settle(() => resolve({ ...outcome, ...namesShown(opened) })),
        ),
      );
    }, fail);
  });
}

const portOf = ({ port, protocol }: URL): number => (port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));

/** TLS over a connection; rejects with Node's own code (`DEPTH_ZERO_SELF_SIGNED_CERT`, `ERR_TLS_CERT_ALTNAME_INVALID` …). */
function handshake(raw: Socket, url: URL, { tls = {} }: FetchInit): Promise<Socket> {
  const servername = tls.serverName ?? url.hostname;
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket: raw,
      ...(isIP(servername) ? {} : { servername }),
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: tls.insecure !== true,
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.cert === undefined ? {} : { cert: tls.cert }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
      checkServerIdentity: (_host, certificate) => checkServerIdentity(servername, certificate),
    });
    secure.once('secureConnect', () => {
      secure.removeAllListeners('error');
      resolve(secure);
    });
    // Who hears of it later must know that there never was a connection.
    secure.once('error', (error) => reject(Object.assign(error, { phase: 'handshake' })));
  });
}

/** Reads what the server of a TLS connection proved. */
function namesShown(socket: Socket): Pick<FetchResponse, 'serverNames'> {
  const names = socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.subjectAltName : undefined;
  return names === undefined ? {} : { serverNames: names.split(', ') };
}

function send(url: URL, init: FetchInit, socket: Socket): ClientRequest {
  const body = init.body;
  const headers: Record<string, string | number> = { ...init.headers };
  if (body !== undefined) headers['content-length'] = Buffer.byteLength(body);
  const request = httpRequest({
    host: url.hostname,
    port: portOf(url),
    // Without an agent Node knows no port that Host may leave out.
    defaultPort: url.protocol === 'https:' ? 443 : 80,
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
