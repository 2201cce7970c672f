import { request as httpRequest, type IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { ClientProxy } from './doors.ts';

/** The proxy would not make the tunnel. */
export class TunnelRefusedError extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`CONNECT tunnel failed, response ${status}`);
    this.name = 'TunnelRefusedError';
    this.status = status;
  }
}

/** Asks an HTTP proxy for a tunnel to a host by CONNECT, over a connection to that proxy. Resolves with what then leads to the host. */
export function tunnelled(raw: Socket, to: { readonly hostname: string; readonly port: number }, proxy: ClientProxy) {
  const authority = `${isIP(to.hostname) === 6 ? `[${to.hostname}]` : to.hostname}:${to.port}`;
  return new Promise<Socket>((resolve, reject) => {
    const request = httpRequest({
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...proxy.headers, 'proxy-connection': 'Keep-Alive' },
      createConnection: () => raw,
    });
    request.removeHeader('connection');
    request.on('error', reject);
    request.on('connect', ({ statusCode = 0 }: IncomingMessage, socket: Socket, early: Buffer) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        return reject(new TunnelRefusedError(statusCode));
      }
      if (early.length > 0) socket.unshift(early);
      resolve(socket);
    });
    request.end();
  });
}

/** Lets the first line of a request say HTTP/1.0, which Node's client cannot. It writes a head as a string, always. */
export function speakingHttp10(socket: Socket): Socket {
  const { write } = socket;
  socket.write = ((first: string | Buffer, ...rest: unknown[]) => {
    socket.write = write;
    const said = typeof first === 'string' ? first.replace(' HTTP/1.1\r\n', ' HTTP/1.0\r\n') : first;
    return Reflect.apply(write, socket, [said, ...rest]);
  }) as Socket['write'];
  return socket;
}
