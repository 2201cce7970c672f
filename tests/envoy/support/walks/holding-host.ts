import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  constants,
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo } from 'node:net';

/** How a request that is held ends: with a status, or without an answer. */
export type Ending = number | 'reset';

/** A host that holds every request until it is told how to end it. */
export interface HoldingHost {
  readonly at: { readonly ip: string; readonly port: number };
  /** How often the request with this id has come. */
  tries(id: string): number;
  /** Ends the latest try; false: none is held. */
  end(id: string, ending: Ending): boolean;
  stop(): Promise<void>;
}

type Response = ServerResponse | Http2ServerResponse;

/** Requests tell their ids in the header `x-id`. */
export async function startHoldingHost(ip: string, protocol: 'h1' | 'h2'): Promise<HoldingHost> {
  const tries = new Map<string, number>();
  const held = new Map<string, Response>();
  const sessions = new Set<{ destroy(): void }>();
  const onRequest = (request: IncomingMessage | Http2ServerRequest, response: Response): void => {
    const id = String(request.headers['x-id']);
    tries.set(id, (tries.get(id) ?? 0) + 1);
    held.set(id, response);
    response.on('error', () => undefined);
    response.on('close', () => {
      if (held.get(id) === response) held.delete(id);
    });
  };
  const server: Server | Http2Server = protocol === 'h1' ? createServer(onRequest) : createHttp2Server(onRequest);
  // A connection that waits for its next request stays.
  if ('keepAliveTimeout' in server) server.keepAliveTimeout = 0;
  server.on('connection', (socket: { destroy(): void }) => sessions.add(socket));
  await new Promise<void>((resolve) => server.listen(0, ip, resolve));
  return {
    at: { ip, port: (server.address() as AddressInfo).port },
    tries: (id) => tries.get(id) ?? 0,
    end(id, ending) {
      const response = held.get(id);
      if (response === undefined) return false;
      held.delete(id);
      if (ending !== 'reset') {
        response.statusCode = ending;
        (response as ServerResponse).end('held');
      } else if ('stream' in response) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      else (response as ServerResponse).socket?.destroy();
      return true;
    },
    stop: () =>
      new Promise((resolve) => {
        for (const session of sessions) session.destroy();
        server.close(() => resolve());
      }),
  };
}
