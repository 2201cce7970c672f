import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { ClientTransportOptions } from '../../../server/data-plane/tls/client-transport.ts';
import type { Inspection, SecuredSocket, TransportSocket } from '../../../server/data-plane/tls/index.ts';
import {
  createClientTransport,
  createServerTransport,
  inspect,
  SecureContexts,
} from '../../../server/data-plane/tls/index.ts';
import type { ServerTransportOptions } from '../../../server/data-plane/tls/server-transport.ts';
import { systemClock } from '../../../server/system.ts';

export const SERVER_ID = 'spiffe://cluster.local/ns/shop/sa/reviews';
export const CLIENT_ID = 'spiffe://cluster.local/ns/shop/sa/product';
export const SNI = 'outbound_.9080_._.reviews.shop.svc.cluster.local';

export type Outcome = { readonly secured: SecuredSocket } | { readonly failed: string };

export function handshake(transport: TransportSocket, socket: Socket): Promise<Outcome> {
  return new Promise((resolve) => {
    transport.handshake(socket, {
      secured: (secured) => resolve({ secured }),
      failed: (failed) => resolve({ failed }),
    });
  });
}

/** The facts, or a failure of the test when the handshake failed. */
export function secured(outcome: Outcome): SecuredSocket {
  if ('failed' in outcome) throw new Error(`handshake failed: ${outcome.failed}`);
  return outcome.secured;
}

export interface Listener {
  readonly port: number;
  /** Sockets in the order of their arrival. */
  accept(): Promise<Socket>;
  close(): Promise<void>;
}

export async function startListener(): Promise<Listener> {
  const arrived: Socket[] = [];
  const all: Socket[] = [];
  let waiting: ((socket: Socket) => void) | undefined;
  const server = createServer((socket) => {
    all.push(socket);
    socket.on('error', () => undefined);
    if (waiting) waiting(socket);
    else arrived.push(socket);
    waiting = undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  const accept = (): Promise<Socket> => {
    const socket = arrived.shift();
    if (socket) return Promise.resolve(socket);
    return new Promise((resolve) => {
      waiting = resolve;
    });
  };
  const close = async (): Promise<void> => {
    for (const socket of all) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { port: address.port, accept, close };
}

export async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

type Both = Pick<ClientTransportOptions, 'credentials'>;

export function clientTransport(options: Both & Partial<ClientTransportOptions>): TransportSocket {
  return createClientTransport({
    contexts: new SecureContexts(),
    sni: SNI,
    alpn: ['istio'],
    matchesPeer: (names) => names.uris.includes(SERVER_ID),
    ...options,
  });
}

export function serverTransport(
  options: Both & Partial<ServerTransportOptions>,
): ReturnType<typeof createServerTransport> {
  return createServerTransport({
    contexts: new SecureContexts(),
    alpn: ['istio-peer-exchange', 'istio'],
    requireClientCertificate: true,
    clock: systemClock(),
    ...options,
  });
}

/** One connection, with a handshake from both sides at once. */
export async function meet(
  listener: Listener,
  client: TransportSocket,
  server: TransportSocket,
): Promise<{ client: Outcome; server: Outcome }> {
  const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
  const [clientOutcome, serverOutcome] = await Promise.all([handshake(client, near), handshake(server, far)]);
  return { client: clientOutcome, server: serverOutcome };
}

/** Inspects, then expects to have seen something. */
export async function inspected(socket: Socket, detectHttp = true): Promise<Inspection> {
  const result = await inspect(socket, { clock: systemClock(), detectHttp, timeoutMs: 0 });
  if (result === undefined) throw new Error('the peer left');
  return result;
}

/** The next bytes of a socket. */
export async function heard(socket: Socket): Promise<string> {
  socket.resume();
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString('latin1');
}
