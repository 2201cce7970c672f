import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type PageContext, renderPage } from './admin-pages.ts';

/** Ports of a proxy that serve its own state rather than traffic. */
export const STATE_PORTS = { admin: 15000, merged: 15020, readiness: 15021, prometheus: 15090 } as const;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves the admin pages, readiness and metrics on the pod's address. */
export class AdminServer {
  readonly #context: PageContext;
  readonly #ip: string;
  readonly #servers: Server[] = [];

  constructor(ip: string, context: PageContext) {
    this.#ip = ip;
    this.#context = context;
  }

  async start(): Promise<void> {
    await Promise.all([
      this.#listen(STATE_PORTS.admin, this.#page),
      this.#listen(STATE_PORTS.merged, this.#merged),
      this.#listen(STATE_PORTS.readiness, this.#readiness),
      this.#listen(STATE_PORTS.prometheus, this.#only('/stats/prometheus')),
    ]);
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#servers.map((server) => {
        server.closeAllConnections();
        return new Promise<void>((resolve) => server.close(() => resolve()));
      }),
    );
  }

  readonly #page: Handler = (request, response) => {
    const url = new URL(request.url ?? '/', 'http://admin');
    const { status, type, body } = renderPage(this.#context, request.method ?? 'GET', url);
    response.writeHead(status, { 'content-type': `${type}; charset=UTF-8`, 'cache-control': 'no-cache, max-age=0' });
    response.end(body);
  };

  /** Istio's readiness probe asks `/healthz/ready` here. */
  readonly #readiness: Handler = (request, response) => {
    const path = (request.url ?? '').split('?')[0];
    if (path !== '/healthz/ready') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(this.#context.ready() ? 200 : 503).end();
  };

  readonly #merged: Handler = (request, response) => {
    if ((request.url ?? '').startsWith('/healthz/ready')) this.#readiness(request, response);
    else this.#only('/stats/prometheus')(request, response);
  };

  #only(path: string): Handler {
    return (request, response) => {
      if ((request.url ?? '').split('?')[0] === path) return this.#page(request, response);
      response.writeHead(404).end();
    };
  }

  #listen(port: number, handler: Handler): Promise<void> {
    const server = createServer(handler);
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.#ip, () => {
        server.off('error', reject);
        resolve();
      });
    });
  }
}
