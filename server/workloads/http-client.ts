import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { checkServerIdentity, connect as connectTls, TLSSocket } from 'node:tls';
import type { Clock, SocketAddress } from '#domain';
import { MeshworkError } from '#domain';
import type { ClientTls, FetchInit, FetchResponse } from './doors.ts';
import { speakingHttp10, tunnelled } from './http-proxy-client.ts';
import { type Http2Answer, headersOf, sendHttp2 } from './http2-exchange.ts';
import { destinationOf } from './net/destination.ts';

/** Opens a TCP connection to a host name or address; rejects with the system's error (`ENOTFOUND`, `ECONNREFUSED` …). */
export type Dial = (host: string, port: number) => Promise<Socket>;

/** The caller's own limit passed before the answer was complete. */
export class TimeoutError extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${Math.round(timeoutMs)} ms`);
    this.name = 'TimeoutError';
  }
}

/** The connection was not there in time. */
export class ConnectTimeoutError extends Error {
  constructor(timeoutMs: number) {
    super(`no connection within ${Math.round(timeoutMs)} ms`);
    this.name = 'ConnectTimeoutError';
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
  return new Promise((resolve, reject) => {
    let sent: ClientRequest | undefined;
    let socket: Socket | undefined;
    let settled = false;
    const settle = (act: () => void): void => {
      if (settled) return;
      settled = true;
      timer?.cancel();
      connectTimer?.cancel();
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
    const connectMs = init.connectTimeoutMs;
    const connectTimer =
      connectMs === undefined ? undefined : clock.after(connectMs, () => fail(new ConnectTimeoutError(connectMs)));
    if (init.signal?.aborted) return onAbort();
    init.signal?.addEventListener('abort', onAbort, { once: true });
    const startedMs = clock.monotonic();
    const hold = (raw: Socket): void => {
      socket = raw;
      if (settled) raw.destroy();
    };
    const converse = ({ opened, destination, ...made }: Connected): void => {
      connectTimer?.cancel();
      socket = opened;
      if (settled) {
        opened.on('error', () => opened.destroy());
        opened.destroy();
        return;
      }
      const facts = { ...tlsFacts(opened), ...addressOf(opened), ...(destination && { destination }) };
      const told = (head: Head): Head => {
        Object.assign(facts, { times: { ...made, answeredMs: clock.monotonic() - startedMs } });
        return head;
      };
      const done = (outcome: FetchResponse | Error): void =>
        outcome instanceof Error ? fail(outcome) : settle(() => resolve({ ...outcome, ...facts }));
      if (speaksHttp2(opened, init)) {
        const answer = (head: Http2Answer): void => collect(head.stream, told(http2Head(head)), done);
        sendHttp2({ url, init, socket: opened }, { answer, error: fail });
        return;
      }
      sent = send({ url, init, socket: opened }, fail);
      sent.on('response', (response) => collect(response, told(http1Head(response)), done));
    };
    // Node throws at once for a head that it does not write.
    connect({ dial, clock, url, init }, hold).then(converse).catch(fail);
  });
}

interface Connected {
  readonly opened: Socket;
  readonly destination: SocketAddress | undefined;
  readonly connectedMs: number;
  readonly securedMs?: number;
}

/** To the host or to its proxy, with the tunnel and the TLS that the URL needs. `hold` is told of the connection as soon as there is one. */
async function connect({ dial, clock, url, init }: Exchange, hold: (raw: Socket) => void): Promise<Connected> {
  const startedMs = clock.monotonic();
  const secure = url.protocol === 'https:';
  const { proxy } = init;
  const to = { hostname: url.hostname, port: portOf(url) };
  let opened = await dial(proxy?.host ?? to.hostname, proxy?.port ?? to.port);
  hold(opened);
  const destination = destinationOf(opened);
  const connectedMs = clock.monotonic() - startedMs;
  if (proxy !== undefined && (secure || proxy.tunnel)) opened = await tunnelled(opened, to, proxy);
  if (!secure) return { opened, destination, connectedMs };
  opened = await secured(opened, to.hostname, { ...offered(init), ...init.tls });
  return { opened, destination, connectedMs, securedMs: clock.monotonic() - startedMs };
}

/** By ALPN. */
const offered = ({ http2 = false }: FetchInit): Pick<ClientTls, 'alpn'> => ({
  alpn: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
});

const portOf = ({ port, protocol }: URL): number => (port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));

/** TLS over a connection; rejects with Node's own code (`DEPTH_ZERO_SELF_SIGNED_CERT`, `ERR_TLS_CERT_ALTNAME_INVALID` …). */
export function secured(raw: Socket, hostname: string, tls: ClientTls): Promise<TLSSocket> {
  const servername = tls.serverName ?? hostname;
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket: raw,
      ...(isIP(servername) ? {} : { servername }),
      ALPNProtocols: [...(tls.alpn ?? ['http/1.1'])],
      ...(tls.minVersion === undefined ? {} : { minVersion: tls.minVersion }),
      ...(tls.maxVersion === undefined ? {} : { maxVersion: tls.maxVersion }),
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
function tlsFacts(socket: Socket): Pick<FetchResponse, 'serverNames' | 'tls'> {
  if (!(socket instanceof TLSSocket)) return {};
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return {};
  const names = certificate.subjectAltName;
  const key = socket.getEphemeralKeyInfo() as { readonly name?: string } | null;
  const tls = {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().name,
    group: key?.name,
    alpn: socket.alpnProtocol || '',
    certificate,
    // Whoever is not authorized has an error, which Node tells by its code.
    problem: socket.authorized ? undefined : String(socket.authorizationError),
  };
  return { tls, ...(names !== undefined && { serverNames: names.split(', ') }) };
}

const addressOf = ({ localAddress, localPort }: Socket): Pick<FetchResponse, 'localAddress' | 'localPort'> => ({
  ...(localAddress === undefined ? {} : { localAddress }),
  ...(localPort === undefined ? {} : { localPort }),
});

/** Over TLS the server has chosen. */
const speaksHttp2 = (socket: Socket, { http2 = false }: FetchInit): boolean =>
  socket instanceof TLSSocket ? socket.alpnProtocol === 'h2' : http2;

function send(
  { url, init, socket }: { readonly url: URL; readonly init: FetchInit; readonly socket: Socket },
  onError: (error: Error) => void,
): ClientRequest {
  const { body, proxy } = init;
  const isForwarded = proxy !== undefined && !proxy.tunnel && url.protocol === 'http:';
  const headers = isForwarded
    ? { host: url.host, ...headersOf(init), ...proxy.headers, 'proxy-connection': 'Keep-Alive' }
    : headersOf(init);
  // With it Node writes the head at once, and nothing can be taken out of that any more.
  const expect = Object.keys(headers).find((name) => name.toLowerCase() === 'expect') ?? '';
  const { [expect]: expected, ...others } = headers;
  const path = init.target ?? url.pathname + url.search;
  const request = httpRequest({
    host: url.hostname,
    port: portOf(url),
    // Without an agent Node knows no port that Host may leave out.
    defaultPort: url.protocol === 'https:' ? 443 : 80,
    method: init.method ?? 'GET',
    path: isForwarded ? `${url.origin}${path}` : path,
    headers: others,
    createConnection: () => (init.http10 === true ? speakingHttp10(socket) : socket),
  });
  request.on('error', onError);
  if (expected !== undefined) request.setHeader(expect, expected);
  if (init.persistent === true && headers['connection'] === undefined) request.removeHeader('connection');
  request.end(body);
  return request;
}

type Head = NonNullable<FetchResponse['head']> & { readonly status: number };

function http1Head({ statusCode = 0, statusMessage = '', httpVersion, rawHeaders }: IncomingMessage): Head {
  const lines: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) lines.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  return { status: statusCode, version: httpVersion, reason: statusMessage, lines };
}

const http2Head = ({ status, lines }: Http2Answer): Head => ({ status, version: '2', reason: '', lines });

/** Lines of one name as one value. */
function joined({ lines }: Head): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [raw, value] of lines) {
    const name = raw.toLowerCase();
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

function collect(response: Readable, head: Head, done: (outcome: FetchResponse | Error) => void): void {
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
    const { status, version, reason, lines } = head;
    done({ status, headers: joined(head), body: Buffer.concat(chunks), head: { version, reason, lines } });
  });
}
