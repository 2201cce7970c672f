import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { errorMessage } from '#domain';
import type { ContainerContext } from '../doors.ts';
import { alertForVerdict, peerVerdict, ServerAlert } from './tls-alert.ts';

/** HTTP/2 requests come through Node's compatibility classes, which have the same shape. */
export type WebHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface ServerTls {
  readonly key: Buffer;
  readonly cert: Buffer;
  /** Clients must show a certificate that this CA signed. */
  readonly clientCa?: Buffer;
  /** Clients without a certificate that is believed are let in: whoever answers looks at it. */
  readonly judgedByHandler?: boolean;
}

export interface WebOptions {
  /** Read for each connection, so that a replaced certificate serves the next one. It may throw: then nobody is served. */
  readonly tls?: () => ServerTls;
  /** Takes an HTTP/1.1 connection that wants to become something else. Absent: such requests are served as others. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
}

const PREFACE = 'PRI * HTTP/2.0';
const NOTHING = Buffer.alloc(0);

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
  const contextOf = latestContext(tls);
  await context.listenTcp(port, (socket) => {
    const failed = (why: string): void => context.log(`TLS handshake error from ${socket.remoteAddress}: ${why}`);
    try {
      secure(socket, contextOf(), {
        done: (secured) => (secured.alpnProtocol === 'h2' ? http2 : http1).emit('connection', secured),
        failed,
      });
    } catch (thrown) {
      socket.destroy();
      failed(errorMessage(thrown));
    }
  });
}

interface Serving {
  readonly context: SecureContext;
  readonly wantsClients: boolean;
  readonly refuses: boolean;
}

/** The context for the present certificate; made anew only when that has changed. */
function latestContext(read: () => ServerTls): () => Serving {
  let from: ServerTls | undefined;
  let serving: Serving | undefined;
  return () => {
    const now = read();
    if (serving === undefined || from === undefined || !sameTls(from, now)) {
      const { cert, key, clientCa } = now;
      serving = {
        // A name of its own lets clients that have shown a certificate take up their session again.
        context: createSecureContext({ cert, key, ca: clientCa ?? [], sessionIdContext: 'web' }),
        wantsClients: clientCa !== undefined,
        refuses: clientCa !== undefined && now.judgedByHandler !== true,
      };
      from = now;
    }
    return serving;
  };
}

const sameTls = (a: ServerTls, b: ServerTls): boolean =>
  a.cert.equals(b.cert) &&
  a.key.equals(b.key) &&
  (a.clientCa?.equals(b.clientCa ?? NOTHING) ?? b.clientCa === undefined);

/** A handshake as a server of Go or nginx has it: a client that is not believed hears an alert. */
function secure(
  raw: Socket,
  { context, wantsClients, refuses }: Serving,
  then: { done(secured: TLSSocket): void; failed(why: string): void },
): void {
  const secured = new TLSSocket(raw, {
    isServer: true,
    secureContext: context,
    requestCert: wantsClients,
    rejectUnauthorized: refuses,
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  const alert = refuses ? new ServerAlert(raw, secured) : undefined;
  const onError = (error: Error): void => {
    secured.destroy();
    then.failed(errorMessage(error));
  };
  // Stays, so that an error before the next reader listens is not fatal.
  secured.on('error', () => undefined);
  secured.once('error', onError);
  secured.once('secure', () => {
    secured.removeListener('error', onError);
    // As `tls.Server` leaves it: `node:http2` would wait for a handshake that is over.
    Object.assign(secured, { secureConnecting: false });
    const verdict = refuses ? peerVerdict(secured) : undefined;
    if (verdict === undefined) return then.done(secured);
    alert?.refuse(alertForVerdict(verdict.code));
    then.failed(`the client's certificate: ${verdict.message}`);
  });
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
