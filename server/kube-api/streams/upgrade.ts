import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { statusOf } from '../http/exchange.ts';
import { badRequest } from '../status-error.ts';

/** A connection that a client wants to use for something else than HTTP. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What the client sent beyond the request. */
  readonly head: Buffer;
}

export type UpgradeKind = 'websocket' | 'spdy';

/** What the request wants to switch to; undefined for protocols that are none of ours. */
export function upgradeKind(request: IncomingMessage): UpgradeKind | undefined {
  const wanted = (request.headers.upgrade ?? '').toLowerCase();
  if (wanted === 'websocket') return 'websocket';
  return wanted === 'spdy/3.1' ? 'spdy' : undefined;
}

/** Protocol names of a header that may stand several times, or with commas. */
export function protocolNames(request: IncomingMessage, header: string): string[] {
  return (request.headersDistinct[header] ?? []).flatMap((line) => line.split(',')).map((name) => name.trim());
}

/** Answers with a Status instead of switching protocols. */
export function refuseUpgrade({ request, socket }: Pick<Upgrade, 'request' | 'socket'>, error: unknown): void {
  const status = statusOf(error);
  const body = JSON.stringify(status);
  const head = [
    `HTTP/${request.httpVersion} ${status.code} ${status.reason || 'Error'}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Switches to SPDY/3.1 with the first stream protocol that both sides speak. Throws BadRequest when there is none. */
export function acceptSpdy({ request, socket, head }: Upgrade, protocols: readonly string[]): string {
  const offered = protocolNames(request, 'x-stream-protocol-version');
  const protocol = offered.find((name) => protocols.includes(name));
  if (protocol === undefined) {
    throw badRequest(
      `unable to upgrade: none of the protocols [${offered.join(' ')}] is supported: ${protocols.join(' ')}`,
    );
  }
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: SPDY/3.1', 'Connection: Upgrade'];
  socket.write(`${[...lines, `X-Stream-Protocol-Version: ${protocol}`].join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return protocol;
}

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Switches to WebSocket with the first of our protocols that the client offers. Throws BadRequest when there is none. */
export function acceptWebSocket(upgrade: Upgrade, protocols: readonly string[]): Promise<WebSocket> {
  const offered = protocolNames(upgrade.request, 'sec-websocket-protocol');
  const protocol = protocols.find((name) => offered.includes(name));
  if (protocol === undefined) {
    throw badRequest(
      `unable to upgrade: none of the subprotocols [${offered.join(' ')}] is supported: ${protocols.join(' ')}`,
    );
  }
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: () => protocol,
  });
  return new Promise((resolve) => server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, resolve));
}
