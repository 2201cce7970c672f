import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Listen, PortBinding } from '../doors.ts';
import { listenOnTcp } from '../listener/listen.ts';
import { renderPage } from './admin-pages.ts';
import { AgentMetrics } from './agent-metrics.ts';
import type { Scraped } from './app-metrics.ts';
import type { PageContext } from './page.ts';

/** Ports of a proxy that serve its own state rather than traffic. */
export const STATE_PORTS = { admin: 15000, merged: 15020, readiness: 15021, prometheus: 15090 } as const;

const PLAIN = { 'content-type': 'text/plain; charset=utf-8' };

/** What programs of the pod may ask of the agent. */
const OWN_COMMANDS: Readonly<Record<string, (context: PageContext) => void>> = {
  '/quitquitquit': ({ quit }) => quit(),
  '/drain': ({ drainListeners }) => drainListeners({ inboundOnly: true, graceful: false, skipExit: true }),
};

const FORM = 'application/x-www-form-urlencoded';
/** More of a form is not read. */
const MAX_FORM_BYTES = 65_536;

/** Parameters may come as the fields of a form, too. */
function readForm(request: IncomingMessage | undefined, done: (fields: string) => void): void {
  if (request === undefined) {
    done('');
    return;
  }
  let fields = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    if (fields.length < MAX_FORM_BYTES) fields += chunk;
  });
  request.on('end', () => done(fields.slice(0, MAX_FORM_BYTES)));
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface AdminSurroundings {
  /** Absent: TCP ports of the host. */
  readonly listen?: Listen;
  /** What the application says of itself, for the merged metrics. */
  readonly scrapeApp: (headers: IncomingHttpHeaders) => Promise<Scraped>;
}

/** Serves the admin pages, readiness and metrics on the pod's address. */
export class AdminServer {
  readonly #context: PageContext;
  readonly #ip: string;
  readonly #listenOn: Listen;
  readonly #scrapeApp: AdminSurroundings['scrapeApp'];
  readonly #bindings: PortBinding[] = [];
  readonly #open = new Set<Socket>();
  readonly #agent: AgentMetrics;

  constructor(ip: string, context: PageContext, { listen = listenOnTcp, scrapeApp }: AdminSurroundings) {
    this.#ip = ip;
    this.#context = context;
    this.#agent = new AgentMetrics(context);
    this.#listenOn = listen;
    this.#scrapeApp = scrapeApp;
  }

  async start(): Promise<void> {
    await Promise.all([
      this.#listen(STATE_PORTS.admin, this.#page),
      this.#listen(STATE_PORTS.merged, this.#merged),
      this.#listen(STATE_PORTS.readiness, this.#readiness),
      this.#listen(STATE_PORTS.prometheus, this.#only('/stats/prometheus')),
    ]);
  }

  stop(): void {
    for (const binding of this.#bindings) binding.close();
    for (const socket of this.#open) socket.destroy();
  }

  readonly #page: Handler = (request, response) => {
    const url = new URL(`http://admin${request.url ?? '/'}`);
    const isForm = request.method === 'POST' && request.headers['content-type'] === FORM;
    readForm(isForm ? request : undefined, (fields) => {
      for (const [name, value] of new URLSearchParams(fields)) url.searchParams.append(name, value);
      const { status, type, body } = renderPage(this.#context, request.method ?? 'GET', url);
      response.writeHead(status, {
        'content-type': type,
        'cache-control': 'no-cache, max-age=0',
        'x-content-type-options': 'nosniff',
        server: 'envoy',
      });
      response.end(body);
    });
  };

  /** Istio's readiness probe asks `/healthz/ready` here. */
  readonly #readiness: Handler = (request, response) => {
    const path = (request.url ?? '').split('?')[0];
    if (path !== '/healthz/ready') {
      response.writeHead(404).end();
      return;
    }
    const { ready, health } = this.#context;
    response.writeHead(ready() && !health.failed ? 200 : 503).end();
  };

  /** The agent's port: its own metrics, the proxy's, then the application's. */
  readonly #merged: Handler = (request, response) => {
    const url = new URL(request.url ?? '/', 'http://agent');
    const own = OWN_COMMANDS[url.pathname];
    if (url.pathname === '/healthz/ready') return this.#readiness(request, response);
    if (own !== undefined) return this.#command(own, request, response);
    if (url.pathname !== '/stats/prometheus' && url.pathname !== '/metrics') {
      response.writeHead(404, PLAIN).end('404 page not found\n');
      return;
    }
    this.#agent.scraped();
    this.#scrapeApp(request.headers).then(({ contentType, body, failed }) => {
      if (failed) this.#agent.failed();
      const proxy = renderPage(this.#context, 'GET', new URL('/stats/prometheus', url));
      response.writeHead(200, { 'content-type': contentType });
      response.write(this.#agent.text());
      response.write(proxy.body);
      response.end(body);
    });
  };

  /** For programs of this pod alone. Source: handleQuit and handleDrain in istio pilot/cmd/pilot-agent/status/server.go. */
  #command(run: (context: PageContext) => void, { method, socket }: IncomingMessage, response: ServerResponse): void {
    const isLocal = socket.remoteAddress === this.#ip || socket.remoteAddress === '127.0.0.1';
    if (!isLocal) response.writeHead(403, PLAIN).end('Only requests from localhost are allowed\n');
    else if (method !== 'POST') response.writeHead(405, PLAIN).end('Method Not Allowed\n');
    else {
      response.writeHead(200).end('OK');
      response.once('close', () => run(this.#context));
    }
  }

  #only(path: string): Handler {
    return (request, response) => {
      if ((request.url ?? '').split('?')[0] === path) return this.#page(request, response);
      response.writeHead(404).end();
    };
  }

  #listen(port: number, handler: Handler): Promise<void> {
    const server = createServer(handler);
    const binding = this.#listenOn({ ip: this.#ip, port }, (socket) => {
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
      server.emit('connection', socket);
    });
    this.#bindings.push(binding);
    return binding.bound;
  }
}
