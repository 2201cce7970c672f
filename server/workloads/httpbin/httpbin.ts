import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorMessage } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { echoWebSocket } from '../echo/web-socket.ts';
import { combinedLine } from '../net/combined-log.ts';
import { serveWeb } from '../net/web-server.ts';
import { authRoutes } from './auth.ts';
import { formatRoutes } from './formats.ts';
import { gunicornStart, logsAccess } from './gunicorn.ts';
import { inspectionRoutes } from './inspection.ts';
import { redirectRoutes } from './redirects.ts';
import type { Dialect, Exchange, Route } from './route.ts';

const MAX_BODY_BYTES = 1024 * 1024;

const routes: readonly Route[] = [...inspectionRoutes, ...authRoutes, ...redirectRoutes, ...formatRoutes];

/** httpbin in its two public forms: kennethreitz's (Python, port 80) and mccutchen's (Go, port 8080). */
export const httpbinImages: readonly WorkloadImage[] = [
  { name: 'httpbin', start: (context) => start(context, 'python', portOf(context, 80)) },
  { name: 'go-httpbin', start: (context) => start(context, 'go', portOf(context, 8080)) },
];

/** `gunicorn -b 0.0.0.0:8080`, `--bind [::]:80`, `-port 8000`, `PORT=8000`. */
function portOf({ command, args, env }: ContainerContext, fallback: number): number {
  const words = [...command, ...args].flatMap((word) => word.split(/[\s=]+/));
  const at = words.findIndex((word) => /^(-b|--bind|-?-port)$/.test(word));
  const given = at < 0 ? env['PORT'] : words[at + 1]?.split(':').at(-1);
  return Number(given) || fallback;
}

async function start(context: ContainerContext, dialect: Dialect, port: number): Promise<void> {
  await serveWeb(
    context,
    port,
    (request, response) => {
      handle({ context, dialect, request, response }).catch((thrown: unknown) => {
        context.log(`error: ${request.method} ${request.url}: ${errorMessage(thrown)}`);
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end();
      });
    },
    { onUpgrade: echoWebSocket('/websocket/echo') },
  );
  for (const line of dialect === 'python'
    ? gunicornStart(context.clock, port)
    : [`go-httpbin listening on http://0.0.0.0:${port}`])
    context.log(line);
}

async function handle(parts: {
  readonly context: ContainerContext;
  readonly dialect: Dialect;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}): Promise<void> {
  const { context, dialect, request, response } = parts;
  const startedMs = context.clock.monotonic();
  const url = new URL(request.url ?? '/', 'http://httpbin');
  const body = await readAll(request);
  response.setHeader('access-control-allow-credentials', 'true');
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
  const exchange: Exchange = { context, dialect, request, response, url, body };
  if (request.method === 'OPTIONS') allowAll(exchange);
  else await dispatch(exchange);
  const ms = (context.clock.monotonic() - startedMs).toFixed(1);
  context.log(
    dialect === 'python' && logsAccess(context)
      ? combinedLine(request, response, context.clock)
      : `status=${response.statusCode} method="${request.method}" uri="${request.url}" duration_ms=${ms}`,
  );
}

async function dispatch(exchange: Exchange): Promise<void> {
  const { request, response, url } = exchange;
  let known = false;
  for (const { path, methods, run } of routes) {
    const found = path.exec(url.pathname);
    if (found === null) continue;
    known = true;
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
    if (methods !== undefined && !methods.includes(method)) continue;
    await run(exchange, found.slice(1).map(decodeURIComponent));
    return;
  }
  if (known) response.writeHead(405, { 'content-type': 'text/plain; charset=utf-8' }).end('Method Not Allowed\n');
  else response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('Not Found\n');
}

function allowAll({ request, response }: Exchange): void {
  response.setHeader('access-control-allow-methods', 'GET, POST, HEAD, PUT, DELETE, PATCH, OPTIONS');
  response.setHeader('access-control-max-age', '3600');
  const asked = request.headers['access-control-request-headers'];
  if (asked !== undefined) response.setHeader('access-control-allow-headers', asked);
  response.setHeader('allow', 'GET, POST, HEAD, PUT, DELETE, PATCH, OPTIONS');
  response.writeHead(200).end();
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size <= MAX_BODY_BYTES) chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
