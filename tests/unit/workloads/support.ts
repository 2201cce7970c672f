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
  get(path: string, init?: FetchInit): Promise<FetchResponse>;
  stop(): void;
}

/** Services by host name: a running image, or a program of the test. */
export class TestNet {
  readonly clock = manualClock();
  readonly #ports = new Map<string, number>();
  readonly #servers: Server[] = [];
  readonly #tcpServers: TcpServer[] = [];
  readonly #stopping = new AbortController();
  readonly #fetch = createFetch(async (host) => {
    const port = this.#ports.get(host);
    if (port === undefined) throw new Error(`getaddrinfo ENOTFOUND ${host}`);
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  }, this.clock);

  async serve(host: string, handler: Parameters<ContainerContext['listen']>[1]): Promise<void> {
    const server = createServer(handler);
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#ports.set(host, (server.address() as { port: number }).port);
  }

  async serveTcp(host: string, onConnection: (socket: Socket) => void): Promise<void> {
    const server = createTcpServer({ allowHalfOpen: true }, onConnection);
    this.#tcpServers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#ports.set(host, (server.address() as { port: number }).port);
  }

  async run(image: string, host: string, env: Record<string, string> = {}): Promise<RunningImage> {
    const logs: string[] = [];
    const found = findImage(image);
    if (found === undefined) throw new Error(`no image ${image}`);
    await found.start({
      env: { HOSTNAME: `${host}-1`, ...env },
      command: [],
      args: [],
      pod: { name: `${host}-1`, namespace: 'default', labels: { app: host, version: 'v1' } },
      clock: this.clock,
      random: seededRandom(host),
      listen: (_port, handler) => this.serve(host, handler),
      listenTcp: (_port, onConnection) => this.serveTcp(host, onConnection),
      readFile: () => undefined,
      run: async () => 127,
      exits: () => undefined,
      fetch: this.#fetch,
      log: (line) => logs.push(line),
      signal: this.#stopping.signal,
    });
    return {
      logs,
      get: (path, init) => this.#fetch(`http://${host}${path}`, init),
      stop: () => this.remove(host),
    };
  }

  remove(host: string): void {
    this.#ports.delete(host);
  }

  close(): void {
    this.#stopping.abort();
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
