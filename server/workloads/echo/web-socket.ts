import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';

const MAX_MESSAGE_BYTES = 1024 * 1024;
const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });

/** Accepts WebSockets below a path; every message comes back as it is, between what `before` says of the request and `after`. */
export function echoWebSocket(
  path: string,
  {
    before = () => '',
    after = '',
  }: { readonly before?: (request: IncomingMessage) => string; readonly after?: string } = {},
) {
  return (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    if (!(request.url ?? '').startsWith(path)) {
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => client.terminate());
      client.on('message', (data, isBinary) => {
        const prefix = before(request);
        client.send(prefix === '' ? data : `${prefix}${data}${after}`, { binary: isBinary && prefix === '' });
      });
    });
  };
}
