import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import type { Clock } from '#domain';
import { seededRandom } from '#domain';
import { type ContainerContext, createFetch, type FetchInit, type FetchResponse, findImage } from '#workloads';

/** A clock whose timers fire when the test says so. */
export interface ManualClock extends Clock {
  /** Moves time and fires what is due, in order. */
  advance(ms: number): void;
  readonly waiting: number;
}

export function manualClock(): ManualClock {
  let nowMs = Date.parse('2026-03-01T10:00:00Z');
  const timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    after: (delayMs, fire) => {
      const timer = { atMs: nowMs + delayMs, fire };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
    advance: (ms) => {
      nowMs += ms;
      for (const timer of [...timers].filter(({ atMs }) => atMs <= nowMs).sort((a, b) => a.atMs - b.atMs)) {
        timers.delete(timer);
        timer.fire();
      }
    },
    get waiting() {
      return timers.size;
    },
  };
}

export interface RunningImage {
  readonly logs: string[];
  /** Of a program that ends by itself. */
  exitCode(): Promise<number> | undefined;
  /** The command that it ran last; undefined while it only waits or serves. */
  ran(): readonly string[] | undefined;
  get(path: string, init?: FetchInit): Promise<FetchResponse>;
  stop(): void;
}

/** How an image is started, beside its environment. */
export interface RunOptions {
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  /** Read at each look: may be changed meanwhile. */
  readonly strain?: Readonly<Record<string, string>>;
}

/** Services by host name, each with the ports that it opens: a running image, or a program of the test. */
export class TestNet {
  readonly clock = manualClock();
  /** By `host:port` as the program knows it, and by host for its first port. */
  readonly #ports = new Map<string, number>();
  readonly #servers: Server[] = [];
  readonly #tcpServers: TcpServer[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #stopping = new AbortController();
  readonly #fetch = createFetch((host, port) => this.dial(host, port), this.clock);

  async dial(host: string, port: number): Promise<Socket> {
    const real = this.realPort(host, port);
    const socket = connect(real, '127.0.0.1');
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  }

  /** The port of 127.0.0.1 behind a host's port. */
  realPort(host: string, port: number): number {
    const real = this.#ports.get(`${host}:${port}`) ?? this.#ports.get(host);
    if (real === undefined) throw new Error(`getaddrinfo ENOTFOUND ${host}`);
    return real;
  }

  fetch(url: string, init?: FetchInit): Promise<FetchResponse> {
    return this.#fetch(url, init);
  }

  /** Without a port: all of the host's ports are this program from now on. */
  async serve(host: string, handler: Parameters<ContainerContext['listen']>[1], port?: number): Promise<void> {
    if (port === undefined) this.remove(host);
    const server = createServer(handler);
    this.#servers.push(server);
    await this.#open(server, host, port ?? 80);
  }

  async serveTcp(host: string, onConnection: (socket: Socket) => void, port = 80): Promise<void> {
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      onConnection(socket);
    });
    this.#tcpServers.push(server);
    await this.#open(server, host, port);
  }

  async #open(server: TcpServer, host: string, port: number): Promise<void> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const real = (server.address() as { port: number }).port;
    this.#ports.set(`${host}:${port}`, real);
    if (!this.#ports.has(host)) this.#ports.set(host, real);
  }

  async run(
    image: string,
    host: string,
    env: Record<string, string> = {},
    { command = [], args = [], files = {}, strain = {} }: RunOptions = {},
  ): Promise<RunningImage> {
    const logs: string[] = [];
    const found = findImage(image);
    if (found === undefined) throw new Error(`no image ${image}`);
    let ended: Promise<number> | undefined;
    let lastRun: readonly string[] | undefined;
    await found.start({
      env: { HOSTNAME: `${host}-1`, ...env },
      command,
      args,
      pod: { name: `${host}-1`, namespace: 'default', labels: { app: host, version: 'v1' } },
      clock: this.clock,
      random: seededRandom(host),
      listen: (port, handler) => this.serve(host, handler, port),
      listenTcp: (port, onConnection) => this.serveTcp(host, onConnection, port),
      readFile: (path) => (files[path] === undefined ? undefined : Buffer.from(files[path])),
      listFiles: (folder) => Object.keys(files).filter((path) => path.startsWith(`${folder}/`)),
      run: async (program) => {
        lastRun = program;
        return program.includes('fail') ? 1 : 0;
      },
      strain: () => strain,
      exits: (exitCode) => {
        ended = exitCode;
      },
      fetch: this.#fetch,
      dial: (target, port) => this.dial(target, port),
      addresses: () => [],
      log: (line) => logs.push(line),
      signal: this.#stopping.signal,
    });
    return {
      logs,
      exitCode: () => ended,
      ran: () => lastRun,
      get: (path, init) => this.#fetch(`http://${host}${path}`, init),
      stop: () => this.remove(host),
    };
  }

  remove(host: string): void {
    for (const key of [...this.#ports.keys()]) if (key === host || key.startsWith(`${host}:`)) this.#ports.delete(key);
  }

  close(): void {
    this.#stopping.abort();
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#tcpServers) server.close();
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
  }
}

export const bodyOf = <Body = Record<string, unknown>>(response: FetchResponse): Body =>
  JSON.parse(response.body.toString('utf8')) as Body;

/** Lets sockets and promises of this process run until `met` holds; fails after two seconds. */
export async function eventually(met: () => boolean): Promise<void> {
  const deadline = performance.now() + 2000;
  while (!met()) {
    if (performance.now() > deadline) throw new Error('it never came true');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
