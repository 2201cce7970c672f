import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { HostPool, RequestHead, ResetReason, UpstreamStream } from '../../../server/data-plane/http/codec.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { createHostPool } from '../../../server/data-plane/upstream/pool.ts';
import type { BreakerLimits, CircuitBreakers } from '../../../server/data-plane/upstream/pool-breakers.ts';
import { createCircuitBreakers, UNLIMITED } from '../../../server/data-plane/upstream/pool-breakers.ts';
import type { HostPoolOptions, PoolStat } from '../../../server/data-plane/upstream/pool-options.ts';
import { systemClock } from '../../../server/system.ts';
import { listen, ReceivedResponse } from './harness.ts';

export function request(method = 'GET', path = '/', headers: Record<string, string> = {}): RequestHead {
  return { method, path, authority: 'app:80', scheme: 'http', protocol: 'HTTP/1.1', headers: Headers.of(headers) };
}

/** A server that a test scripts: `onRequest` gets each socket and what it has received so far whenever more arrives. */
export class ScriptedServer {
  readonly sockets: Socket[] = [];
  readonly received: string[] = [];
  readonly #server: Server;
  port = 0;

  private constructor(onData: (socket: Socket, text: string, connection: number) => void) {
    this.#server = createServer((socket) => {
      const connection = this.sockets.push(socket) - 1;
      this.received.push('');
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        this.received[connection] += chunk.toString('latin1');
        onData(socket, chunk.toString('latin1'), connection);
      });
    });
  }

  static async start(onData: (socket: Socket, text: string, connection: number) => void): Promise<ScriptedServer> {
    const server = new ScriptedServer(onData);
    server.port = await listen(server.#server);
    return server;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** One request to a pool, and all that came of it. With `null` the test sends the head itself. */
export class Call {
  readonly response = new ReceivedResponse();
  readonly cancel: () => void;
  stream: UpstreamStream | undefined = undefined;
  failure: { reason: ResetReason; detail: string } | undefined = undefined;
  #waiting: (() => void)[] = [];

  constructor(pool: HostPool, head: RequestHead | null = request()) {
    this.cancel = pool.newStream(this.response, {
      ready: (stream) => {
        this.stream = stream;
        if (head !== null) stream.sendHead(head, true);
        this.#notify();
      },
      failed: (reason, detail) => {
        this.failure = { reason, detail };
        this.#notify();
      },
    });
  }

  /** Resolves when the pool gave a stream or refused one. */
  async decided(): Promise<this> {
    while (this.stream === undefined && this.failure === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this;
  }

  #notify(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export interface TestPool {
  readonly pool: HostPool;
  readonly breakers: CircuitBreakers;
  readonly stats: PoolStat[];
}

export function startPool(
  port: number,
  limits: Partial<BreakerLimits> = {},
  options: Partial<HostPoolOptions> = {},
): TestPool {
  const stats: PoolStat[] = [];
  const breakers = createCircuitBreakers({ ...UNLIMITED, ...limits });
  const pool = createHostPool({
    connect: () => connect(port, '127.0.0.1'),
    connectTimeoutMs: 5000,
    clock: systemClock(),
    breakers,
    onStat: (stat) => stats.push(stat),
    ...options,
  });
  return { pool, breakers, stats };
}
