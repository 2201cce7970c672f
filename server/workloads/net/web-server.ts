import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { ContainerContext } from '../doors.ts';

/** HTTP/2 requests come through Node's compatibility classes, which have the same shape. */
export type WebHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface ServerTls {
  readonly key: Buffer;
  readonly cert: Buffer;
  /** Clients must show a certificate that this CA signed. */
  readonly clientCa?: Buffer;
}

export interface WebOptions {
  readonly tls?: ServerTls;
  /** Takes an HTTP/1.1 connection that wants to become something else. Absent: such requests are served as others. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
}

const PREFACE = 'PRI * HTTP/2.0';

/** Serves HTTP/1.1 and HTTP/2 on one port: by ALPN over TLS, by the client's first bytes in plain text. */
export async function serveWeb(
  context: ContainerContext,
  port: number,
  handler: WebHandler,
  options: WebOptions = {},
): Promise<void> {
  const http1 = createServer({ keepAliveTimeout: 0 }, handler);
  const http2 = createHttp2Server((request, response) =>
    handler(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  );
  if (options.onUpgrade !== undefined) http1.on('upgrade', options.onUpgrade);
  // A client that breaks its connection is no concern of the others.
  http2.on('sessionError', () => undefined);
  context.signal.addEventListener('abort', () => http1.closeAllConnections(), { once: true });
  const { tls } = options;
  if (tls === undefined) {
    await context.listenTcp(port, (socket) => sniff(socket, http1, http2));
    return;
  }
  const secure = createTlsServer(
    {
      key: tls.key,
      cert: tls.cert,
      ALPNProtocols: ['h2', 'http/1.1'],
      ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
    },
    (socket) => (socket.alpnProtocol === 'h2' ? http2 : http1).emit('connection', socket),
  );
  secure.on('tlsClientError', () => undefined);
  await context.listenTcp(port, (socket) => secure.emit('connection', socket));
}

function sniff(socket: Socket, http1: Server, http2: Http2Server): void {
  socket.once('error', () => socket.destroy());
  socket.once('data', (first) => {
    socket.pause();
    socket.unshift(first);
    const looksLike = PREFACE.startsWith(first.toString('latin1', 0, PREFACE.length));
    (looksLike ? http2 : http1).emit('connection', socket);
    if (!looksLike) socket.resume();
  });
}

/** The TLS connection behind a request; undefined in plain text. */
export function tlsOf(request: IncomingMessage): TLSSocket | undefined {
  const socket = request.socket as Partial<TLSSocket>;
  return socket.encrypted ? (socket as TLSSocket) : undefined;
}
