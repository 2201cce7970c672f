import { createServer, type Server, type Socket } from 'node:net';
import { connectTcp } from '#data-plane';
import { formatAddress, type SocketAddress } from '#domain';
import { hostPort } from './host-ports.ts';

export interface ServiceDoorOptions {
  /** A ready pod behind a Service's address and port; undefined when there is none. What is no Service's comes back as it is. */
  readonly pick: (service: SocketAddress) => SocketAddress | undefined;
  readonly contains: (ip: string) => boolean;
}

/** Real listeners on addresses of Services, for programs that know nothing of this network: a real Envoy dials what a name resolved to. */
export class ServiceDoors {
  readonly #options: ServiceDoorOptions;
  readonly #doors = new Map<string, { readonly server: Server; readonly opened: Promise<void> }>();
  readonly #sockets = new Set<Socket>();

  constructor(options: ServiceDoorOptions) {
    this.#options = options;
  }

  /** Resolves when the address is open, or cannot be opened. Opened once, it stays open. */
  open(service: SocketAddress): Promise<void> {
    const key = formatAddress(service);
    const known = this.#doors.get(key);
    if (known !== undefined) return known.opened;
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) =>
      this.#join(socket, service),
    );
    const opened = new Promise<void>((resolve) => {
      server.once('listening', resolve);
      // Somebody else holds it, or it is none of this machine: who dials it hears of it.
      server.once('error', () => {
        this.#doors.delete(key);
        resolve();
      });
    });
    server.listen({ host: service.ip, port: hostPort(service.port) });
    this.#doors.set(key, { server, opened });
    return opened;
  }

  stop(): void {
    for (const { server } of this.#doors.values()) server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#doors.clear();
  }

  #join(client: Socket, service: SocketAddress): void {
    const { pick, contains } = this.#options;
    client.on('error', () => client.destroy());
    const target = pick(service);
    // Nobody is ready behind it, or the Service is gone: a door must not lead to itself.
    if (target === undefined || target === service) {
      client.resetAndDestroy();
      return;
    }
    const from = client.remoteAddress ?? '';
    const upstream = connectTcp({
      host: target.ip,
      port: hostPort(target.port),
      noDelay: true,
      allowHalfOpen: true,
      ...(contains(from) ? { localAddress: from } : {}),
    });
    upstream.on('error', () => client.resetAndDestroy());
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(one);
      one.once('close', () => {
        this.#sockets.delete(one);
        other.destroySoon();
      });
      one.pipe(other);
    }
  }
}
