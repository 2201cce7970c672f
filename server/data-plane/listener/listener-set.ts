import type { Socket } from 'node:net';
import { MeshworkError, type SocketAddress } from '#domain';
import type { CompiledListener } from '../config/listener-config.ts';
import type { PortBinding } from '../doors.ts';
import type { ProxyRuntime } from '../runtime.ts';
import type { ChainHandler } from './chain-handler.ts';
import { listenOnTcp } from './listen.ts';
import { type RequestHandling, ServedListener } from './served-listener.ts';

export interface ListenerSetOptions {
  readonly runtime: ProxyRuntime;
  readonly handling: (listener: CompiledListener) => RequestHandling;
  /** A client connected to a listener's own port. */
  readonly onConnection: (socket: Socket, listener: ServedListener) => void;
}

interface LeftHandler {
  readonly handler: ChainHandler;
  readonly inbound: boolean;
}

const LOOPBACK = '127.0.0.1';

/** The listeners in force, and the ports of those that bind their port: on the pod's address, or on what is its own alone. */
export class ListenerSet {
  readonly #options: ListenerSetOptions;
  readonly #served = new Map<string, ServedListener>();
  /** Handlers of listeners that are no longer in force, while connections of theirs are open. */
  #former: LeftHandler[] = [];
  readonly #bindings = new Map<string, PortBinding>();
  readonly #binding = new Set<Promise<void>>();

  constructor(options: ListenerSetOptions) {
    this.#options = options;
  }

  readonly find = (name: string): ServedListener | undefined => this.#served.get(name);

  set(config: CompiledListener): void {
    const former = this.#served.get(config.name);
    const served = new ServedListener(config, this.#options.runtime, this.#options.handling(config));
    if (former !== undefined) this.#leave(former, served.succeed(former));
    this.#served.set(config.name, served);
    if (former !== undefined && former.config.address.port !== config.address.port) this.#unbind(config.name);
    if (config.bindToPort && !this.#bindings.has(config.name)) {
      const { runtime, onConnection } = this.#options;
      const { self, network } = runtime;
      const own = config.address.ip === LOOPBACK ? (network.loopback ?? self.ip) : self.ip;
      const address = { ip: own, port: config.address.port };
      this.bind(config.name, address, (socket) => {
        const current = this.#served.get(config.name);
        if (current === undefined) socket.destroy();
        else onConnection(socket, current);
      });
    }
  }

  remove(name: string): void {
    const former = this.#served.get(name);
    if (former !== undefined) {
      former.drain();
      this.#leave(former, former.handlers);
    }
    this.#served.delete(name);
    this.#unbind(name);
  }

  /** Opens a port; `bound` tells whether it worked. */
  bind(name: string, address: SocketAddress, onSocket: (socket: Socket) => void): void {
    const { network, onLog } = this.#options.runtime;
    const binding = (network.listen ?? listenOnTcp)(address, onSocket);
    this.#bindings.set(name, binding);
    const bound = binding.bound.then(
      () => {
        this.#binding.delete(bound);
      },
      (cause: unknown) => {
        this.#bindings.delete(name);
        throw new MeshworkError('PROXY_BIND', `cannot bind ${address.ip}:${address.port} for ${name}`, { cause });
      },
    );
    this.#binding.add(bound);
    bound.catch((thrown: MeshworkError) => onLog(`error\tenvoy\t${thrown.message}`));
  }

  /** Resolves when every port asked for so far is open; rejects with the first that could not be. */
  async bound(): Promise<void> {
    await Promise.all(this.#binding);
  }

  /** Connections and sessions with something under way. */
  get busy(): number {
    let sum = 0;
    for (const { handler } of this.#handlers()) sum += handler.busy;
    return sum;
  }

  /** Clients that are connected: to inbound listeners, where there are two directions. */
  connections({ inboundOnly = false } = {}): number {
    let sum = 0;
    for (const { handler, inbound } of this.#handlers()) if (!inboundOnly || inbound) sum += handler.connections;
    return sum;
  }

  /** Takes no more connections (unless listeners are to stay); those that are open end after their current request. */
  drain({ inboundOnly = false, keepListening = false } = {}): void {
    if (!keepListening) this.stopListening({ inboundOnly });
    for (const served of this.#served.values()) if (!inboundOnly || isInbound(served)) served.drain();
  }

  /** Takes no more connections; those that are open stay as they are. */
  stopListening({ inboundOnly = false } = {}): void {
    const stopped = this.#options.runtime.stats.stat('listener_manager.listener_stopped');
    for (const name of [...this.#bindings.keys()]) {
      if (inboundOnly && !this.#isInbound(name)) continue;
      this.#unbind(name);
      stopped.value++;
    }
  }

  #isInbound(name: string): boolean {
    const served = this.#served.get(name);
    return served === undefined || isInbound(served);
  }

  close(): void {
    for (const { handler } of this.#handlers()) handler.close();
    this.#former = [];
  }

  *#handlers(): Generator<LeftHandler> {
    for (const served of this.#served.values()) {
      for (const handler of served.handlers) yield { handler, inbound: isInbound(served) };
    }
    yield* this.#former;
  }

  #leave(former: ServedListener, handlers: Iterable<ChainHandler>): void {
    const inbound = isInbound(former);
    const left = Array.from(handlers, (handler): LeftHandler => ({ handler, inbound }));
    this.#former = [...this.#former, ...left].filter(({ handler }) => handler.connections > 0);
  }

  #unbind(name: string): void {
    this.#bindings.get(name)?.close();
    this.#bindings.delete(name);
  }
}

const isInbound = ({ config }: ServedListener): boolean => config.direction === 'inbound';
