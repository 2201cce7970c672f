import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Listen, PortBinding } from '../doors.ts';
import { listenOnTcp } from '../listener/listen.ts';
import { renderPage } from './admin-pages.ts';
import { AgentMetrics } from './agent-metrics.ts';
import { agentPort, readinessPage } from './agent-port.ts';
import type { Scraped } from './app-metrics.ts';
import type { PageContext } from './page.ts';
import { encoded } from './page-encoding.ts';

/** Ports of a proxy that serve its own state rather than traffic. */
export const STATE_PORTS = { admin: 15000, merged: 15020, readiness: 15021, prometheus: 15090 } as const;

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

const headersOf = (type: string): OutgoingHttpHeaders => ({
  'content-type': type,
  'cache-control': 'no-cache, max-age=0',
  'x-content-type-options': 'nosniff',
  server: 'envoy',
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface AdminSurroundings {
  /** Absent: TCP ports of the host. */
  readonly listen?: Listen;
  /** What the application says of itself, for the merged metrics. */
  readonly scrapeApp: (headers: IncomingHttpHeaders) => Promise<Scraped>;
  /** Whether the port for Prometheus compresses (`statsCompression`). */
  readonly compresses: boolean;
}

/** Serves the admin pages, readiness and metrics on the pod's address. */
export class AdminServer {
  readonly #context: PageContext;
  readonly #ip: string;
  readonly #listenOn: Listen;
  readonly #scrapeApp: AdminSurroundings['scrapeApp'];
  readonly #compresses: boolean;
  readonly #bindings: PortBinding[] = [];
  readonly #open = new Set<Socket>();

  constructor(ip: string, context: PageContext, { listen = listenOnTcp, scrapeApp, compresses }: AdminSurroundings) {
    this.#ip = ip;
    this.#context = context;
    this.#listenOn = listen;
    this.#scrapeApp = scrapeApp;
    this.#compresses = compresses;
  }

  async start(): Promise<void> {
    await Promise.all([
      this.#listen(STATE_PORTS.admin, this.#page),
      this.#listen(STATE_PORTS.merged, this.#agentPort()),
      this.#listen(STATE_PORTS.readiness, readinessPage(this.#ready)),
      this.#listen(STATE_PORTS.prometheus, this.#prometheus),
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
      response.writeHead(status, headersOf(type));
      response.end(body);
    });
  };

  readonly #ready = (): boolean => this.#context.ready() && !this.#context.health.failed;

  #agentPort(): Handler {
    const context = this.#context;
    return agentPort({
      ip: this.#ip,
      agent: new AgentMetrics(context),
      scrapeApp: this.#scrapeApp,
      proxyMetrics: () => renderPage(context, 'GET', new URL('http://admin/stats/prometheus')).body,
      ready: this.#ready,
      quit: () => context.quit(),
      drain: () => context.drainListeners({ inboundOnly: true, graceful: false, skipExit: true }),
    });
  }

  /** One page, for Prometheus alone. */
  readonly #prometheus: Handler = (request, response) => {
    const url = new URL(`http://admin${request.url ?? '/'}`);
    if (url.pathname !== '/stats/prometheus') {
      response.writeHead(404).end();
      return;
    }
    const { status, type, body } = renderPage(this.#context, request.method ?? 'GET', url);
    const packed = this.#compresses ? encoded(body, String(request.headers['accept-encoding'] ?? '')) : undefined;
    response.writeHead(status, {
      ...headersOf(type),
      ...(packed && { 'content-encoding': packed.encoding }),
      ...(this.#compresses && { vary: 'Accept-Encoding' }),
    });
    response.end(packed?.body ?? body);
  };

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
