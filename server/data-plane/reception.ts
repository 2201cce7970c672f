import type { Socket } from 'node:net';
import type { SocketAddress } from '#domain';
import type { ProxyOptions } from './doors.ts';
import { gatewayConnection, gatewayRequest } from './gateway/gateway.ts';
import { ConnectionRoom } from './listener/connection-room.ts';
import type { ListenerSet } from './listener/listener-set.ts';
import { type ConnectionLayer, PendingConnection, runLayers } from './listener/pending-connection.ts';
import type { RequestHandling, ServedListener } from './listener/served-listener.ts';
import type { ProxyRuntime } from './runtime.ts';
import { inboundConnection, inboundRequest } from './sidecar/inbound.ts';
import { outboundConnection, outboundRequest } from './sidecar/outbound.ts';

export interface ReceptionOptions {
  readonly proxy: ProxyOptions;
  readonly runtime: ProxyRuntime;
  readonly listeners: () => ListenerSet;
  readonly onError: (text: string) => void;
}

/** Where connections come in: each runs through the layers of its direction, in a sidecar or a gateway. */
export class Reception {
  readonly #options: ReceptionOptions;
  readonly #room: ConnectionRoom | undefined;
  #open = true;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    const { maxConnections } = options.proxy.bootstrap ?? {};
    this.#room = maxConnections === undefined ? undefined : new ConnectionRoom(maxConnections);
  }

  /** Capture's other half: what a client sends to a declared port of the pod arrives at the proxy, as by PREROUTING REDIRECT. */
  bindPodPorts(): void {
    const { pod, role } = this.#options.proxy;
    if (role !== 'sidecar') return;
    const { ip } = pod;
    for (const port of new Set(pod.ports))
      this.#listeners.bind(`capture_${port}`, { ip, port }, (socket) => this.acceptInbound(socket, { ip, port }));
  }

  accept(socket: Socket, listener: ServedListener): void {
    const { proxy, runtime } = this.#options;
    const { address, direction, useOriginalDst } = listener.config;
    const own = { ip: runtime.self.ip, port: address.port };
    const redirected = proxy.role === 'sidecar' && direction === 'inbound';
    if (!redirected && this.#hasNoRoom(socket, listener)) return;
    if (!redirected) listener.stats.accepted();
    if (proxy.role === 'router') {
      this.#run(socket, direction, gatewayConnection, { localAddress: own, listener });
    } else if (redirected) {
      this.#acceptRedirected(socket, own);
    } else if (!useOriginalDst) {
      // A Sidecar's listener without capture, or a proxy that applications name: the port that was dialled names it, as in a gateway.
      const localAddress = address.ip === '0.0.0.0' ? own : address;
      this.#run(socket, 'outbound', gatewayConnection, { localAddress, listener });
    } else {
      this.#run(socket, 'outbound', outboundConnection, { localAddress: own });
    }
  }

  acceptInbound(socket: Socket, originalDestination: SocketAddress): void {
    const listener = this.#listeners.find('virtualInbound');
    if (this.#hasNoRoom(socket, listener)) return;
    listener?.stats.accepted();
    this.#run(socket, 'inbound', inboundConnection, { localAddress: originalDestination });
  }

  /** What a listener's requests run through. */
  handlingOf(direction: 'inbound' | 'outbound'): RequestHandling {
    if (direction === 'inbound') return { report: 'destination', layers: inboundRequest };
    return { report: 'source', layers: this.#options.proxy.role === 'router' ? gatewayRequest : outboundRequest };
  }

  /** From now on connections end as they come. */
  close(): void {
    this.#open = false;
  }

  get #listeners(): ListenerSet {
    return this.#options.listeners();
  }

  /** One connection too many is closed at once, and counted as nothing else. */
  #hasNoRoom(socket: Socket, listener: ServedListener | undefined): boolean {
    if (this.#room === undefined || this.#room.takes(socket)) return false;
    listener?.stats.count('downstream_global_cx_overflow');
    socket.destroy();
    return true;
  }

  /** A connection to 15006 itself: redirected by somebody else's capture, or meant for the proxy, which refuses it. */
  #acceptRedirected(socket: Socket, own: SocketAddress): void {
    this.#options.runtime.network
      .originalDestination(socket)
      .then((wanted) => this.acceptInbound(socket, wanted ?? own))
      .catch((thrown: unknown) => this.#broken(socket, thrown));
  }

  #run(
    socket: Socket,
    direction: 'inbound' | 'outbound',
    layers: readonly ConnectionLayer[],
    where: { localAddress: SocketAddress; listener?: ServedListener },
  ): void {
    if (!this.#open) {
      socket.destroy();
      return;
    }
    const { runtime } = this.#options;
    const listeners = this.#listeners.find;
    const connection = new PendingConnection({ runtime, direction, socket, listeners, ...where });
    runLayers(connection, layers).catch((thrown: unknown) => this.#broken(socket, thrown));
  }

  /** Our own fault: the connection is lost, the proxy goes on. */
  #broken(socket: Socket, thrown: unknown): void {
    socket.destroy();
    const reason = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    this.#options.onError(`connection failed: ${reason}`);
  }
}
