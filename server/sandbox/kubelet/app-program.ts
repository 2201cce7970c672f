import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Clock, Random, SocketAddress, Timer } from '#domain';
import type { BindAddress, ContainerContext, WorkloadImage } from '#workloads';
import type { ContainerSpec } from '../kube-types.ts';
import { hostPort } from '../network/host-ports.ts';
import { createXdsResolver } from '../proxyless/xds-resolver.ts';
import type { Program } from './program.ts';

export interface AppProgramOptions {
  readonly image: WorkloadImage;
  readonly container: ContainerSpec;
  readonly pod: ContainerContext['pod'];
  readonly env: Readonly<Record<string, string>>;
  /** The address behind the pod's 0.0.0.0: its own, or the hidden one when the pod is captured. */
  readonly bindIp: string;
  /** The pod's address, and the one where programs of the pod find what is bound to 127.0.0.1 alone. */
  readonly podIp: string;
  readonly loopbackIp: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch: ContainerContext['fetch'];
  readonly dial: ContainerContext['dial'];
  readonly addresses: ContainerContext['addresses'];
  readonly pods: NonNullable<ContainerContext['pods']>;
  readonly readFile: ContainerContext['readFile'];
  readonly listFiles: ContainerContext['listFiles'];
  readonly run: (command: readonly string[], signal: AbortSignal) => Promise<number>;
  readonly strain: NonNullable<ContainerContext['strain']>;
  readonly log: (line: string) => void;
  readonly onListen: (listener: SocketAddress) => void;
}

/** Runs a workload image on real sockets. */
export function createAppProgram(options: AppProgramOptions): Program {
  const { image, container, pod, env, clock, random, fetch, dial, addresses, readFile, listFiles, run, strain, log } =
    options;
  const { pods } = options;
  const ports = new ContainerPorts(options);
  const stopping = new AbortController();
  return {
    start: async () => {
      let exit: Promise<number> | undefined;
      await image.start({
        env,
        command: container.command ?? [],
        args: container.args ?? [],
        pod,
        clock,
        random,
        fetch,
        dial,
        addresses,
        pods,
        readFile,
        listFiles,
        run: (command) => run(command, stopping.signal),
        strain,
        followXds: (wanted) => createXdsResolver({ ...wanted, dial, clock, random, log, signal: stopping.signal }),
        exits: (exitCode) => {
          exit = exitCode;
        },
        log,
        signal: stopping.signal,
        listen: (port, handler) => ports.serveHttp(port, handler),
        listenTcp: (port, onConnection, at) => ports.serveTcp(port, onConnection, at),
      });
      return exit === undefined ? undefined : { exitCode: exit };
    },
    stop: async (drainMs) => {
      await ports.close(drainMs);
      stopping.abort();
    },
    ...(image.exec === undefined ? {} : { exec: (command: readonly string[]) => image.exec?.(command) }),
  };
}

type PortOptions = Pick<AppProgramOptions, 'bindIp' | 'podIp' | 'loopbackIp' | 'clock' | 'onListen'>;

/** The ports that one container has open. */
class ContainerPorts {
  readonly #options: PortOptions;
  readonly #http: HttpServer[] = [];
  readonly #tcp: { readonly server: Server; readonly sockets: Set<Socket> }[] = [];

  constructor(options: PortOptions) {
    this.#options = options;
  }

  async serveHttp(port: number, handler: Parameters<ContainerContext['listen']>[1]): Promise<void> {
    // A proxy keeps its connections: the application must not close them while a request is on its way.
    const server = createServer({ keepAliveTimeout: 0 }, handler);
    this.#http.push(server);
    await this.#open(server, port);
  }

  async serveTcp(port: number, onConnection: (socket: Socket) => void, at?: BindAddress): Promise<void> {
    const sockets = new Set<Socket>();
    const server = createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      // Whoever takes the connection over may add its own; without any, a reset would end the process.
      socket.on('error', () => socket.destroy());
      onConnection(socket);
    });
    this.#tcp.push({ server, sockets });
    await this.#open(server, port, at);
  }

  async close(drainMs: number): Promise<void> {
    const { clock } = this.#options;
    await Promise.all([
      ...this.#http.map((server) => closeHttp(server, clock, drainMs)),
      ...this.#tcp.map(({ server, sockets }) =>
        closeTcp(server, sockets, { clock, drainMs: Math.min(drainMs, TCP_DRAIN_MS) }),
      ),
    ]);
  }

  async #open(server: Server, port: number, at?: BindAddress): Promise<void> {
    const { bindIp, podIp, loopbackIp } = this.#options;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: hostPort(port), host: at === 'loopback' ? loopbackIp : bindIp }, resolve);
    });
    this.#options.onListen({ ip: at === undefined ? '0.0.0.0' : at === 'pod' ? podIp : '127.0.0.1', port });
  }
}

/** How often connections are closed whose request has ended meanwhile. */
const CLOSE_IDLE_MS = 50;
/** Nobody knows when a TCP connection is idle. */
const TCP_DRAIN_MS = 1500;

function closeHttp(server: HttpServer, clock: Clock, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    const endMs = clock.monotonic() + drainMs;
    let timer: Timer | undefined;
    const look = (): void => {
      if (clock.monotonic() >= endMs) server.closeAllConnections();
      else {
        server.closeIdleConnections();
        timer = clock.after(Math.min(CLOSE_IDLE_MS, endMs - clock.monotonic()), look);
      }
    };
    server.close(() => {
      timer?.cancel();
      resolve();
    });
    look();
  });
}

/** Connections go on until the time is up. */
function closeTcp(
  server: Server,
  sockets: ReadonlySet<Socket>,
  { clock, drainMs }: { readonly clock: Clock; readonly drainMs: number },
): Promise<void> {
  return new Promise((resolve) => {
    const cut = (): void => {
      for (const socket of sockets) socket.destroy();
    };
    const timer = drainMs > 0 ? clock.after(drainMs, cut) : undefined;
    server.close(() => {
      timer?.cancel();
      resolve();
    });
    if (drainMs <= 0) cut();
  });
}
