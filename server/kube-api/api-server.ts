import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { seedClusterObjects } from './bootstrap/cluster-objects.ts';
import type { ApiServer, ApiServerOptions, ListeningApi } from './doors.ts';
import { ApiHandler } from './http/api-handler.ts';
import type { ApiContext } from './http/context.ts';
import { Exchange } from './http/exchange.ts';
import { WatchCache } from './http/watch-cache.ts';
import { refuseUpgrade, upgradeKind } from './streams/upgrade.ts';

const IDLE_CONNECTION_MS = 120_000;
const MAX_CONNECTIONS = 2000;

/** A Kubernetes API server over a store: what unmodified kubectl, client-node and client-go need. See doors.ts. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  return new HttpApiServer(options);
}

class HttpApiServer implements ApiServer {
  readonly #options: ApiServerOptions;
  readonly #stopping = new AbortController();
  /** Connections that no longer speak HTTP. */
  readonly #upgraded = new Set<Duplex>();
  #server: Server | undefined;
  #cache: WatchCache | undefined;

  constructor(options: ApiServerOptions) {
    this.#options = options;
  }

  async listen({ host, port }: { readonly host: string; readonly port: number }): Promise<ListeningApi> {
    const { clock, store, tls } = this.#options;
    seedClusterObjects(store);
    this.#cache = new WatchCache(store);
    const context: ApiContext = { store, clock, cache: this.#cache, options: this.#options, nowMs: () => clock.now() };
    const server = this.#create(new ApiHandler(context));
    this.#server = server;
    server.keepAliveTimeout = IDLE_CONNECTION_MS;
    server.maxConnections = MAX_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    const bound = (server.address() as AddressInfo).port;
    const authority = host.includes(':') ? `[${host}]` : host;
    return { host, port: bound, url: `${tls ? 'https' : 'http'}://${authority}:${bound}` };
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#stopping.abort();
    this.#cache?.stop();
    for (const socket of this.#upgraded) socket.destroy();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  #create(handler: ApiHandler): Server {
    const { tls } = this.#options;
    const shared = { shouldUpgradeCallback: (request: IncomingMessage) => upgradeKind(request) !== undefined };
    const serve = (request: IncomingMessage, response: ServerResponse): void => this.#serve(handler, request, response);
    const server = tls ? createTlsServer({ ...shared, ...tlsOptions(tls) }, serve) : createServer(shared, serve);
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(handler, { request, socket, head }),
    );
    return server;
  }

  #serve(handler: ApiHandler, request: IncomingMessage, response: ServerResponse): void {
    const gone = new AbortController();
    const started = this.#options.clock.monotonic();
    response.on('close', () => gone.abort());
    const exchange = openExchange(request, response, AbortSignal.any([gone.signal, this.#stopping.signal]));
    if (!exchange) {
      response.writeHead(400).end();
      return;
    }
    response.on('close', () => this.#report(exchange, response.statusCode, started));
    void handler.handle(exchange);
  }

  #upgrade(handler: ApiHandler, upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer }): void {
    const { request, socket } = upgrade;
    const started = this.#options.clock.monotonic();
    this.#upgraded.add(socket);
    // A client that breaks off shows as the end of its streams.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#upgraded.delete(socket));
    // Such a request has no response; what it would be asked for is answered on the socket.
    const exchange = openExchange(request, undefined, this.#stopping.signal);
    if (!exchange) {
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      return;
    }
    handler.upgrade(exchange, upgrade).then(
      () => this.#report(exchange, 101, started),
      (error: unknown) => {
        this.#report(exchange, 400, started);
        refuseUpgrade(upgrade, error);
      },
    );
  }

  #report(exchange: Exchange, status: number, started: number): void {
    const command = exchange.header('kubectl-command');
    this.#options.onRequest?.({
      method: exchange.method,
      url: exchange.request.url ?? '',
      status,
      user: exchange.user.username,
      userAgent: exchange.userAgent,
      ...(command === undefined ? {} : { command }),
      durationMs: this.#options.clock.monotonic() - started,
    });
  }
}

/** Undefined when the request's target is no path. */
function openExchange(
  request: IncomingMessage,
  response: ServerResponse | undefined,
  signal: AbortSignal,
): Exchange | undefined {
  return URL.canParse(request.url ?? '/', 'http://localhost') ? new Exchange(request, response, signal) : undefined;
}

function tlsOptions({ cert, clientCa, key }: NonNullable<ApiServerOptions['tls']>) {
  return {
    key,
    cert,
    minVersion: 'TLSv1.2' as const,
    ALPNProtocols: ['http/1.1'],
    // Clients without a certificate bring a token.
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false }),
  };
}
