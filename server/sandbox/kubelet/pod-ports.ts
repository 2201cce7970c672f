import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Proxy } from '#data-plane';
import type { SocketAddress } from '#domain';
import type { CaptureRules } from '../network/capture-rules.ts';
import { hostPort } from '../network/host-ports.ts';
import { PROXY_OWN_PORTS } from './declared-ports.ts';

const LOOPBACK_IP = '127.0.0.1';
const ANY_IP = '0.0.0.0';

export interface PodPortsOptions {
  readonly ip: string;
  /** Where the captured application really listens. */
  readonly hiddenIp: string;
  readonly rules: CaptureRules;
  /** Ports that the proxy opens by itself. */
  readonly declared: readonly number[];
  readonly proxy: () => Proxy | undefined;
  /** Until `handOver` nothing is captured. */
  readonly late: boolean;
  readonly onError: (what: string, error: unknown) => void;
}

/**
 * The ports of a captured pod on its own address: what the application opens without declaring it, and what is excluded from capture.
 * The kernel's rules take connections to any port, so a port that no container declares is reached all the same.
 */
export class PodPorts {
  readonly #options: PodPortsOptions;
  readonly #open = new Map<number, Server>();
  readonly #sockets = new Set<Socket>();
  #handedOver = false;
  #closed = false;

  /** Whether the rules of capture hold. */
  get captures(): boolean {
    return !this.#options.late || this.#handedOver;
  }

  constructor(options: PodPortsOptions) {
    this.#options = options;
  }

  /** The application listens there now; what it has bound to 127.0.0.1 alone is reached by way of the proxy, and refused there. */
  open({ ip, port }: SocketAddress): void {
    const { rules, declared, late } = this.#options;
    const unguarded = late && !this.#handedOver;
    const captured = !unguarded && rules.inbound(port);
    if (!captured && ip === LOOPBACK_IP) return;
    if (!(captured && declared.includes(port))) this.#serve(port, captured);
  }

  /** The proxy has rules for these ports: it is reached there although no application may listen (ingress of a Sidecar, a wrong target port). */
  lead(ports: readonly number[]): void {
    const { rules, declared } = this.#options;
    if (this.#closed || !this.captures) return;
    for (const port of ports) {
      if (rules.inbound(port) && !declared.includes(port) && !PROXY_OWN_PORTS.has(port)) this.#serve(port, true);
    }
  }

  /** Nothing listens there on the pod's own address, and capture leads to the proxy all the same. */
  leadsClosed(port: number): boolean {
    const { rules, declared } = this.#options;
    const isOpen = declared.includes(port) || this.#open.has(port) || PROXY_OWN_PORTS.has(port);
    return this.captures && !this.#closed && !isOpen && rules.inbound(port);
  }

  /** Capture is set now, late: the proxy opens the declared ports, and the others lead to it. Connections that are open go on. */
  async handOver(): Promise<void> {
    this.#handedOver = true;
    const servers = [...this.#open];
    this.#open.clear();
    await Promise.all(
      servers.map(
        ([, server]) =>
          new Promise<void>((resolve) => {
            server.close();
            server.once('close', resolve);
            // Those that were accepted are the application's own affair.
            setImmediate(resolve);
          }),
      ),
    );
    for (const [port] of servers) this.open({ ip: ANY_IP, port });
  }

  #serve(port: number, captured: boolean): void {
    const { ip, onError } = this.#options;
    if (this.#open.has(port)) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: !captured }, (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      if (captured) this.#toProxy(socket, port);
      else this.#toApplication(socket, port);
    });
    server.once('error', (error) => onError(`port ${port} of the pod`, error));
    server.listen({ host: ip, port: hostPort(port) });
    this.#open.set(port, server);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const socket of this.#sockets) socket.destroy();
    const closing = [...this.#open.values()].map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    this.#open.clear();
    await Promise.all(closing);
  }

  #toProxy(socket: Socket, port: number): void {
    // It may break before anybody reads it; whoever reads it hears of it by 'close'.
    socket.on('error', () => undefined);
    const proxy = this.#options.proxy();
    if (proxy === undefined) socket.resetAndDestroy();
    else proxy.acceptInbound(socket, { ip: this.#options.ip, port });
  }

  #toApplication(socket: Socket, port: number): void {
    const upstream = connect({
      host: this.#options.hiddenIp,
      port: hostPort(port),
      noDelay: true,
      allowHalfOpen: true,
    });
    this.#sockets.add(upstream);
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      one.on('error', () => other.destroy());
      one.once('close', () => {
        this.#sockets.delete(one);
        other.destroySoon();
      });
      one.pipe(other);
    }
  }
}
