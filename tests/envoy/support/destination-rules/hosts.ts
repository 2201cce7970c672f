import {
  createServer as createHttp1,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';

/** Hosts that speak whatever version of HTTP they are spoken to, and tell in `x-version` who they are. */
export interface Hosts {
  listen(version: string, ip: string, port: number): Promise<void>;
  stop(): void;
}

/** `x-status` and `x-delay-ms` of a request say how it is answered; `x-fail: <version>` lets that host alone answer 503, `x-drop: <version>` hang up. */
const answer = (version: string) => (request: IncomingMessage, response: ServerResponse) => {
  const { 'x-status': status = '200', 'x-delay-ms': delay = '0', 'x-fail': fails, 'x-drop': drops } = request.headers;
  const named = (list: unknown): boolean =>
    String(list ?? '')
      .split(' ')
      .includes(version);
  if (named(drops)) return void request.socket.destroy();
  setTimeout(() => {
    response.writeHead(named(fails) ? 503 : Number(status), {
      'x-version': version,
      'x-spoken': `HTTP/${request.httpVersion}`,
    });
    response.end('told');
  }, Number(delay));
};

export function startHosts(): Hosts {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const serve = (version: string): Server => {
    const http1 = createHttp1({ keepAliveTimeout: 0 }, answer(version));
    const http2 = createHttp2(answer(version) as unknown as RequestListener as never);
    return createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
      socket.once('data', (first: Buffer) => {
        socket.pause();
        socket.unshift(first);
        const isHttp2 = first.toString('latin1').startsWith('PRI');
        (isHttp2 ? http2 : http1).emit('connection', socket);
        // A session of HTTP/2 reads by itself.
        if (!isHttp2) socket.resume();
      });
    });
  };
  return {
    listen: (version, ip, port) =>
      new Promise((resolve, reject) => {
        const server = serve(version);
        servers.push(server);
        server.once('error', reject);
        server.listen(port, ip, () => resolve());
      }),
    stop: () => {
      for (const server of servers) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
