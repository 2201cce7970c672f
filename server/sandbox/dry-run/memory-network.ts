import type { Socket } from 'node:net';
import type { Listen, ProxyNetwork } from '#data-plane';
import { formatAddress, type SocketAddress } from '#domain';
import { MemorySocket } from './memory-socket.ts';

const FIRST_EPHEMERAL_PORT = 32_768;

/** Takes a connection. */
export type OnConnection = (socket: Socket) => void;

export interface MemoryNetworkOptions {
  /**
   * Called before a connection to this address is made, so that its proxy may start. Resolves to who takes connections to ports that
   * nobody opened; undefined: they are refused.
   */
  readonly reach: (to: SocketAddress) => Promise<OnConnection | undefined>;
  /** Where a connection to this address really goes; undefined: nowhere. */
  readonly route: (to: SocketAddress) => SocketAddress | undefined;
  /** Stands in for the application of a pod. */
  readonly app: OnConnection;
}

/** The wires of a mesh in memory: proxies connect and listen as on a network, and no byte leaves the process. */
export interface MemoryNetwork {
  forProxy(podIp: string): ProxyNetwork;
  /** A connection of an application in this pod: its proxy takes it, and learns where it wanted to go. */
  captured(podIp: string, destination: SocketAddress): Socket;
  /** A connection from outside the mesh. */
  dial(destination: SocketAddress): Socket;
  listens(address: SocketAddress): boolean;
}

const OUTBOUND_CAPTURE_PORT = 15001;
const OUTSIDE_IP = '192.0.2.10';

export function createMemoryNetwork({ reach, route, app }: MemoryNetworkOptions): MemoryNetwork {
  const ports = new Map<string, (socket: Socket) => void>();
  const wanted = new Map<string, SocketAddress>();
  let nextPort = FIRST_EPHEMERAL_PORT;

  const listen: Listen = (address, onSocket) => {
    const key = formatAddress(address);
    ports.set(key, onSocket);
    return { bound: Promise.resolve(), close: () => ports.delete(key) };
  };

  const connect = (
    from: string,
    to: SocketAddress,
    options: { toApp: boolean; destination?: SocketAddress },
  ): Socket => {
    const local = { ip: from, port: nextPort++ };
    if (options.destination !== undefined) wanted.set(formatAddress(local), options.destination);
    const socket = new MemorySocket(local, to);
    const target = options.toApp ? to : route(to);
    const complete = (beyond: OnConnection | undefined): void => {
      if (socket.destroyed) return;
      const own = target && ports.get(formatAddress(target));
      const taker = options.toApp ? app : (own ?? beyond);
      if (taker === undefined) {
        socket.refuse();
        return;
      }
      const accepted = socket.accept();
      // Whoever reads it hears of a broken connection by 'close'.
      accepted.on('error', () => undefined);
      taker(accepted.socket);
    };
    (options.toApp || target === undefined ? Promise.resolve(undefined) : reach(target)).then(
      (beyond) => setImmediate(complete, beyond),
      (error: unknown) => socket.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    return socket.socket;
  };

  return {
    forProxy: (podIp) => ({
      podIp,
      listen,
      originalDestination: async (socket) =>
        wanted.get(formatAddress({ ip: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 })),
      connect: (destination, { toApp }) => connect(podIp, destination, { toApp }),
    }),
    captured: (podIp, destination) =>
      connect(podIp, { ip: podIp, port: OUTBOUND_CAPTURE_PORT }, { toApp: false, destination }),
    dial: (destination) => connect(OUTSIDE_IP, destination, { toApp: false }),
    listens: (address) => ports.has(formatAddress(address)),
  };
}
