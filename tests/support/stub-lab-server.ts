import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';
import { requestEnvelope, requestSchemas } from '../../server/contract/index.ts';
import { StubLab } from './stub-lab/lab.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
};

/** Serves a built site with a lab that plays contract messages, so that the page is seen and tested without a mesh. */
export function stubLabServer(root: string): Server {
  const server = createServer((request, response) => {
    if (request.url === '/api/session') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"token":"stub"}');
      return;
    }
    serveFile(root, request, response);
  });
  const sockets = new WebSocketServer({ server, path: '/api/stream' });
  sockets.on('connection', (socket) => speak(socket));
  return server;
}

function speak(socket: WebSocket): void {
  let seq = 0;
  const lab = new StubLab((event) => socket.send(JSON.stringify({ seq: ++seq, event })));
  socket.on('message', (data) => {
    const { id, method, params } = requestEnvelope.parse(JSON.parse(String(data)));
    const read = requestSchemas[method].safeParse(params);
    if (!read.success) {
      socket.send(JSON.stringify({ id, error: { code: 'bad_request', message: read.error.message } }));
      return;
    }
    const answer = lab.answer(method, read.data);
    socket.send(JSON.stringify({ id, ...answer }));
  });
  socket.on('close', () => lab.stop());
  lab.start();
}

function serveFile(root: string, request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(new URL(request.url ?? '/', 'http://stub').pathname);
  const wanted = normalize(join(root, path));
  const file = existsSync(wanted) && statSync(wanted).isDirectory() ? join(wanted, 'index.html') : wanted;
  if (!file.startsWith(normalize(root) + sep) || !existsSync(file)) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('Not here.');
    return;
  }
  response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
  createReadStream(file).pipe(response);
}

if (import.meta.main) {
  const root = process.argv[2] ?? 'dist';
  const port = Number(process.argv[3] ?? 4390);
  stubLabServer(root).listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}/lab/full-pool/`));
}
