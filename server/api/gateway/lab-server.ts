import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';
import { type Clock, MeshworkError, type Random, type Timer } from '#domain';
import type { LearnerStore } from '#learners';
import type { KeyHost } from '#sandbox/key-host';
import { type Access, createAccess } from './access.ts';
import { createLearnerRoutes, type LearnerRoutes } from './learner-routes.ts';
import { createLearnerSession, type LearnerSession } from './learner-session.ts';
import { connectPage } from './page-connection.ts';
import { type Site, serveStatic } from './static-files.ts';
import { createZipped } from './zipped-files.ts';

export interface LabServerOptions {
  readonly root: string;
  /** All code of a sandbox process in one file; undefined: it runs from the sources. */
  readonly sandboxProgram?: string | undefined;
  /** Hosts outside of the meshes from which their istiods may fetch keys of JWT issuers; absent: none. */
  readonly keyHosts?: readonly KeyHost[];
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: LearnerStore;
  readonly onLog: (line: string) => void;
  /** A mesh without a page for so long is put to sleep; its state is kept. Five minutes where nothing is said. */
  readonly sleepAfterMs?: number | undefined;
}

export interface LabServer {
  readonly url: string;
  stop(): Promise<void>;
}

const MAX_SESSIONS = 40;
const MAX_PAGES_PER_LEARNER = 8;
const MAX_MESSAGE_BYTES = 6 * 1_048_576;
const SLEEP_AFTER_MS = 5 * 60_000;
const SWEEP_MS = 60_000;

export async function startLabServer(options: LabServerOptions): Promise<LabServer> {
  const sessions = new Map<string, LearnerSession>();
  const pageCounts = new Map<string, number>();
  const server = createServer();
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const access = createAccess({ hosts: hostNames(options.host, port), secret: options.store.secret() });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });

  const sessionOf = (learner: string): LearnerSession => {
    let session = sessions.get(learner);
    if (!session) {
      if (sessions.size >= MAX_SESSIONS)
        throw new MeshworkError('server_full', `${MAX_SESSIONS} meshes are running on this server; it takes no more.`);
      session = createLearnerSession({
        learner,
        root: options.root,
        sandboxProgram: options.sandboxProgram,
        keyHosts: options.keyHosts ?? [],
        clock: options.clock,
        random: options.random,
        store: options.store,
        onLog: options.onLog,
      });
      sessions.set(learner, session);
    }
    return session;
  };

  const site: Site = { folder: join(options.root, 'dist'), zipped: createZipped() };
  const endMesh = async (learner: string): Promise<void> => {
    const session = sessions.get(learner);
    sessions.delete(learner);
    await session?.end('Everything of this learner was erased.');
  };
  const learnerRoutes = createLearnerRoutes({ access, store: options.store, clock: options.clock, endMesh });
  server.on('request', (request, response) => {
    answer({ request, response, access, learnerRoutes, site }).catch((error: unknown) => {
      options.onLog(`request failed: ${String(error)}`);
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end('The lab server failed to answer.\n');
    });
  });

  server.on('upgrade', (request, socket, head) => {
    const learner = access.learner(request);
    const url = new URL(request.url ?? '/', 'http://lab.invalid');
    const allowed =
      url.pathname === '/api/stream' &&
      access.hostAllowed(request) &&
      access.originAllowed(request, { allowNone: false }) &&
      learner !== undefined &&
      access.tokenValid(learner, url.searchParams.get('token') ?? '') &&
      (pageCounts.get(learner) ?? 0) < MAX_PAGES_PER_LEARNER;
    if (!allowed || learner === undefined) {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      pageCounts.set(learner, (pageCounts.get(learner) ?? 0) + 1);
      webSocket.once('close', () => pageCounts.set(learner, (pageCounts.get(learner) ?? 1) - 1));
      connectPage(webSocket, { clock: options.clock, sessionOf: () => sessionOf(learner) });
    });
  });

  const { sleepAfterMs = SLEEP_AFTER_MS } = options;
  const sweepMs = Math.min(SWEEP_MS, sleepAfterMs);
  let sweep: Timer | undefined;
  const putIdleToSleep = (): void => {
    for (const [learner, session] of sessions) {
      if ((session.idleMs() ?? 0) < sleepAfterMs) continue;
      sessions.delete(learner);
      session.stop().catch((error: unknown) => options.onLog(`sleep failed: ${String(error)}`));
    }
    sweep = options.clock.after(sweepMs, putIdleToSleep);
  };
  sweep = options.clock.after(sweepMs, putIdleToSleep);

  return {
    url: `http://${options.host}:${port}/`,
    stop: async () => {
      sweep?.cancel();
      for (const client of sockets.clients) client.terminate();
      server.close();
      server.closeAllConnections();
      await Promise.all([...sessions.values()].map((session) => session.stop()));
    },
  };
}

function listen(server: ReturnType<typeof createServer>, options: LabServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenFailure(cause, options)));
    server.listen(options.port, options.host, () => resolve());
  });
}

function listenFailure(cause: NodeJS.ErrnoException, { host, port }: LabServerOptions): MeshworkError {
  const messages: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} on ${host} is taken. Stop the program that holds it, or choose another: npm start -- --port ${port + 1}`,
    EACCES: `This user may not open port ${port}. Choose one above 1023: npm start -- --port 4321`,
    EADDRNOTAVAIL: `${host} is not an address of this machine. Use --host 127.0.0.1.`,
  };
  return new MeshworkError('listen_failed', messages[cause.code ?? ''] ?? `Cannot listen on ${host}:${port}.`, {
    cause,
  });
}

/** Host headers that name this server, the one to tell others first: not the address that stands for all of a machine's. */
function hostNames(host: string, port: number): string[] {
  const loopback = ['127.0.0.1', 'localhost', '[::1]'];
  const own = host.includes(':') ? `[${host}]` : host;
  const names = [...new Set(['0.0.0.0', '::'].includes(host) ? [...loopback, own] : [own, ...loopback])];
  // Browsers leave the usual port out.
  return [...(port === 80 ? names : []), ...names.map((name) => `${name}:${port}`)];
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly access: Access;
  readonly learnerRoutes: LearnerRoutes;
  readonly site: Site;
}

const learnerPaths: ReadonlySet<string> = new Set(['/api/log', '/api/labs', '/api/link', '/api/link/join']);

const securityHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'SAMEORIGIN',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

async function answer({ request, response, access, learnerRoutes, site }: Exchange): Promise<void> {
  for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (!access.hostAllowed(request))
    return plain(response, 421, wrongHost(access.home), { 'x-meshwork-home': access.home });
  if (learnerPaths.has(path)) {
    const { status, body, cookie } = await learnerRoutes(request, path);
    if (cookie) response.setHeader('set-cookie', cookie);
    // What was not read of a body stands in the way of the next request.
    if (!request.complete) response.setHeader('connection', 'close');
    return json(response, body, status);
  }
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return plain(response, 405, 'Only GET and HEAD are served here.');
  if (path === '/api/health') return json(response, { status: 'ok' });
  if (path === '/api/session') {
    if (!access.originAllowed(request, { allowNone: true }))
      return plain(response, 403, 'Only pages of this server may ask.');
    const known = access.learner(request);
    const { learner, cookie } = known ? { learner: known, cookie: undefined } : access.enrol();
    if (cookie) response.setHeader('set-cookie', cookie);
    return json(response, { token: access.token(learner), home: access.home });
  }
  if (path.startsWith('/api/')) return plain(response, 404, 'There is no such address in the API.');
  if (await serveStatic(site, request, response)) return;
  if (await serveStatic(site, { method: request.method, url: '/404.html', headers: {}, status: 404 }, response)) return;
  plain(response, 404, 'There is no such page. The start page is at /.');
}

const wrongHost = (home: string): string =>
  `This server does not answer to that host name. On its own machine open ${home}/
From another machine, forward the same port and open the same address: ssh -L ${new URL(home).port || 80}:${new URL(home).host} MACHINE
To serve pages under another name or address of this machine: npm start -- --host NAME`;

function plain(response: ServerResponse, status: number, text: string, headers: OutgoingHttpHeaders = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(`${text}\n`);
}

function json(response: ServerResponse, body: object, status = 200): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(body));
}
