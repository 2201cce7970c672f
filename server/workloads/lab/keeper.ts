import { Agent, request as httpRequest } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { serveWeb } from '../net/web-server.ts';
import { type Answer, answer, json, pathOf } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';

/** Sends a path to the target and resolves with status and body. */
type Send = (path: string) => Promise<{ readonly status: number; readonly body: string }>;

/**
 * A client that keeps its connections, as connection pools and gRPC do. It passes each request on to TARGET (host:port).
 * PROTOCOL: `http2` (one connection, many streams) or `http1` (CONNECTIONS of them, kept alive). CHOOSE: `connection` (the name is
 * asked for when a connection is opened) or `request` (all addresses of the name, in turn, a connection to each; the name server's
 * answer is used for DNS_TTL_S (5) seconds). Also PORT (8080).
 */
export const keeperImage: WorkloadImage = {
  name: 'keeper',
  start: async (context) => {
    const [host = 'localhost', port = '8080'] = (context.env['TARGET'] ?? '').split(':');
    const open = (address: string): Send =>
      context.env['PROTOCOL'] === 'http1'
        ? keptHttp1(context, address, Number(port))
        : keptHttp2(context, address, Number(port));
    const send = context.env['CHOOSE'] === 'request' ? inTurn(context, host, open) : open(host);
    await serve(context, envNumber(context, 'PORT', 8080), async (request): Promise<Answer> => {
      if (pathOf(request) === '/health') return json(200, { status: 'healthy' });
      const { status, body } = await send(request.url ?? '/');
      return json(status, { answered: body });
    });
  },
};

/** Serves HTTP/1.1 and HTTP/2 on PORT (8080), answers with the pod's name and logs each request. */
export const answererImage: WorkloadImage = {
  name: 'answerer',
  start: async (context) => {
    const port = envNumber(context, 'PORT', 8080);
    await serveWeb(context, port, (request, response) => {
      answer(response, json(200, { pod: context.pod.name }));
      context.log(`${request.method} ${request.url} 200`);
    });
    context.log(`listening on 0.0.0.0:${port}`);
  },
};

/** Layer 7: one request after the other goes to the next address of the name, as it is known at that moment. */
function inTurn(context: ContainerContext, host: string, open: (address: string) => Send): Send {
  const kept = new Map<string, Send>();
  const ttlMs = 1000 * envNumber(context, 'DNS_TTL_S', 5);
  let addresses: readonly string[] = [];
  let askAgainAt = Number.NEGATIVE_INFINITY;
  let turn = 0;
  return (path) => {
    const now = context.clock.monotonic();
    if (now >= askAgainAt) {
      addresses = context.addresses(host);
      askAgainAt = now + ttlMs;
    }
    for (const address of kept.keys()) if (!addresses.includes(address)) kept.delete(address);
    const address = addresses[turn++ % Math.max(1, addresses.length)];
    if (address === undefined) return Promise.reject(new Error(`${host} has no address`));
    const send = kept.get(address) ?? open(address);
    kept.set(address, send);
    return send(path);
  };
}

function keptHttp2(context: ContainerContext, host: string, port: number): Send {
  let session: Promise<ClientHttp2Session> | undefined;
  const connected = (): Promise<ClientHttp2Session> => {
    session ??= context.dial(host, port).then((socket) => {
      noteConnection(context, host, socket);
      const fresh = connectHttp2(`http://${host}:${port}`, { createConnection: () => socket });
      const lose = (): void => {
        session = undefined;
      };
      fresh.on('error', lose).on('close', lose);
      context.signal.addEventListener('abort', () => fresh.destroy(), { once: true });
      return fresh;
    });
    session.catch(() => {
      session = undefined;
    });
    return session;
  };
  return async (path) => {
    const stream = (await connected()).request({ ':path': path });
    return new Promise((resolve, reject) => {
      let status = 0;
      let body = '';
      stream.setEncoding('utf8');
      stream.on('response', (headers) => {
        status = headers[':status'] ?? 0;
      });
      stream.on('data', (chunk: string) => {
        body += chunk;
      });
      stream.on('error', reject).on('end', () => resolve({ status, body }));
      stream.end();
    });
  };
}

function keptHttp1(context: ContainerContext, host: string, port: number): Send {
  const agent = new Agent({ keepAlive: true, maxSockets: envNumber(context, 'CONNECTIONS', 1) });
  const opened = (callback: (error: Error | null, socket?: Socket) => void): void => {
    context.dial(host, port).then(
      (socket) => {
        noteConnection(context, host, socket);
        callback(null, socket);
      },
      (error: Error) => callback(error),
    );
  };
  // Node's agent takes a socket that comes later by the callback.
  Object.assign(agent, {
    createConnection: (_options: object, callback: (error: Error | null, socket?: Socket) => void): void =>
      opened(callback),
  });
  context.signal.addEventListener('abort', () => agent.destroy(), { once: true });
  return (path) =>
    new Promise((resolve, reject) => {
      const sent = httpRequest({ agent, host, port, path }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('error', reject).on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      sent.on('error', reject).end();
    });
}

const noteConnection = ({ log }: ContainerContext, host: string, socket: Socket): void =>
  log(`connected to ${host}: ${socket.remoteAddress}:${socket.remotePort}`);
