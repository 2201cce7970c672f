import { createServer, type Server, type Socket } from 'node:net';
import { type PortBinding, type ProxyNetwork, readProxyHeader } from '#data-plane';
import type { SocketAddress } from '#domain';
import { writeProxyHeader } from './proxy-protocol.ts';

/** Where applications' connections are captured to, as in every pod. */
const OUTBOUND_CAPTURE_PORT = 15001;
/** Where Envoy takes them, with a header that tells where they meant to go. */
export const ENVOY_PORTS = { outbound: 15101, inbound: 15106 } as const;
/** Istio's inbound connections to the application come from here, which tells them from those of clients. */
const TO_APPLICATION_IP = '127.0.0.6';
/** Bytes in which the header of a connection must have come. */
const MAX_HEADER_BYTES = 536;
/** Connections to Envoy whose origin is remembered, also when they are over. */
const MOST_ORIGINS = 4096;

/** Of one hop, as `127.9.1.4:40112`. */
interface Addresses {
  readonly remote: string;
  readonly local: string;
  readonly host: string | null;
}

export interface PodWiresOptions {
  readonly podIp: string;
  readonly network: ProxyNetwork;
  /** The ports of the pod that capture leads to the proxy. */
  readonly ports: readonly number[];
}

/**
 * What the kernel does for a real Envoy in a pod: it takes captured connections, tells Envoy where they meant to go, and makes Envoy's own
 * connections to addresses that only the cluster's network knows.
 */
export class PodWires {
  readonly #options: PodWiresOptions;
  readonly #bindings: PortBinding[] = [];
  readonly #sockets = new Set<Socket>();
  /** Who made a connection, by the port from which it is passed on to Envoy. */
  readonly #origins = new Map<number, string>();
  #passthrough: Server | undefined;

  constructor(options: PodWiresOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { podIp, ports, network } = this.#options;
    this.#bind(OUTBOUND_CAPTURE_PORT, (socket) => this.#outbound(socket));
    for (const port of ports) this.#bind(port, (socket) => this.inbound(socket, { ip: podIp, port }));
    await Promise.all(this.#bindings.map(({ bound }) => bound));
    const passthrough = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#afterHeader(socket, (destination) => network.connect(destination, { toApp: false })),
    );
    this.#passthrough = passthrough;
    await new Promise<void>((resolve, reject) => {
      passthrough.once('error', reject);
      passthrough.listen(0, podIp, resolve);
    });
  }

  /** Takes Envoy's connections, with a header that tells their destination, and makes them as a program of the pod would. */
  get passthrough(): SocketAddress {
    const address = this.#passthrough?.address();
    return { ip: this.#options.podIp, port: typeof address === 'object' ? (address?.port ?? 0) : 0 };
  }

  /** A connection to one of the pod's ports: to the application where Envoy makes it, else to Envoy. */
  inbound(socket: Socket, destination: SocketAddress): void {
    const { network } = this.#options;
    if (socket.remoteAddress === TO_APPLICATION_IP) this.#join(socket, network.connect(destination, { toApp: true }));
    else this.#toEnvoy(socket, destination, ENVOY_PORTS.inbound);
  }

  /** A hop with the addresses of those whom these wires stand for: who made the connection, and whom a connection that is passed through reached. */
  asMeant<Hop extends Addresses>(hop: Hop): Hop {
    const { ip, port } = this.passthrough;
    return {
      ...hop,
      remote: this.#origins.get(Number(hop.remote.split(':')[1])) ?? hop.remote,
      host: hop.host === `${ip}:${port}` ? hop.local : hop.host,
    };
  }

  close(): void {
    for (const binding of this.#bindings) binding.close();
    this.#passthrough?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #bind(port: number, onSocket: (socket: Socket) => void): void {
    const { network, podIp } = this.#options;
    const binding = network.listen?.({ ip: podIp, port }, onSocket);
    if (binding !== undefined) this.#bindings.push(binding);
  }

  #outbound(socket: Socket): void {
    this.#options.network.originalDestination(socket).then(
      (destination) => {
        if (destination === undefined || socket.destroyed) socket.destroy();
        else this.#toEnvoy(socket, destination, ENVOY_PORTS.outbound);
      },
      () => socket.destroy(),
    );
  }

  #toEnvoy(socket: Socket, destination: SocketAddress, port: number): void {
    const { network, podIp } = this.#options;
    const { remoteAddress: ip = podIp, remotePort = 0 } = socket;
    const envoy = network.connect({ ip: podIp, port }, { toApp: false });
    envoy.write(writeProxyHeader({ ip, port: remotePort }, destination));
    envoy.once('connect', () => this.#remember(envoy.localPort ?? 0, `${ip}:${remotePort}`));
    this.#join(socket, envoy);
  }

  #remember(port: number, origin: string): void {
    this.#origins.delete(port);
    this.#origins.set(port, origin);
    if (this.#origins.size > MOST_ORIGINS) this.#origins.delete(this.#origins.keys().next().value!);
  }

  #afterHeader(socket: Socket, connect: (destination: SocketAddress) => Socket): void {
    let begun = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      begun = Buffer.concat([begun, chunk]);
      const header = readProxyHeader(begun);
      if (header === 'incomplete' && begun.length < MAX_HEADER_BYTES) return;
      socket.removeListener('data', onData);
      socket.pause();
      if (typeof header === 'string' || header.addresses === undefined) {
        socket.destroy();
        return;
      }
      const upstream = wayTo(header.addresses.destination, connect);
      if (upstream === undefined) {
        socket.resetAndDestroy();
        return;
      }
      if (begun.length > header.length) upstream.write(begun.subarray(header.length));
      this.#join(socket, upstream);
    };
    socket.on('error', () => socket.destroy());
    socket.on('data', onData);
  }

  #join(one: Socket, other: Socket): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', ({ code }: NodeJS.ErrnoException) =>
        code === 'ECONNRESET' ? to.resetAndDestroy() : to.destroy(),
      );
      from.once('close', () => {
        this.#sockets.delete(from);
        to.destroySoon();
      });
      from.pipe(to);
    }
  }
}

/** Undefined: no way leads there. */
function wayTo(destination: SocketAddress, connect: (destination: SocketAddress) => Socket): Socket | undefined {
  try {
    return connect(destination);
  } catch {
    return undefined;
  }
}
