import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { Clock } from '#domain';
import type {
  BodySink,
  CodecError,
  DownstreamConnection,
  DownstreamStream,
  ResetReason,
  ResponseHead,
  ResponseSink,
  ServerConnectionOptions,
} from '../../../server/data-plane/http/codec.ts';
import { createServerConnection } from '../../../server/data-plane/http/h1/server-connection.ts';
import type { Headers } from '../../../server/data-plane/http/headers.ts';
import { systemClock } from '../../../server/system.ts';

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now = 1_000_000;
  #timers: { at: number; fire: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, fire: () => void): { cancel(): void } {
    const timer = { at: this.#now + delayMs, fire };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter((timer) => timer.at <= this.#now);
    this.#timers = this.#timers.filter((timer) => timer.at > this.#now);
    for (const timer of due) timer.fire();
  }
}

/** A request as the codec delivered it. */
export class ReceivedRequest implements BodySink {
  readonly stream: DownstreamStream;
  readonly connection: DownstreamConnection;
  readonly chunks: Buffer[] = [];
  trailers: Headers | undefined = undefined;
  ended = false;
  drains = 0;
  resetReason: { reason: ResetReason; detail: string } | undefined = undefined;
  onEnd: (() => void) | undefined = undefined;
  onData: ((chunk: Buffer) => void) | undefined = undefined;
  onReset: (() => void) | undefined = undefined;
  onDrain: (() => void) | undefined = undefined;

  constructor(stream: DownstreamStream, connection: DownstreamConnection) {
    this.stream = stream;
    this.connection = connection;
    stream.receive(this);
  }

  get body(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  data(chunk: Buffer): void {
    this.chunks.push(Buffer.from(chunk));
    this.onData?.(chunk);
  }

  end(trailers: Headers | undefined): void {
    this.ended = true;
    this.trailers = trailers;
    this.onEnd?.();
  }

  reset(reason: ResetReason, detail: string): void {
    this.resetReason = { reason, detail };
    this.onReset?.();
  }

  drain(): void {
    this.drains++;
    this.onDrain?.();
  }
}

export interface TestServer {
  readonly port: number;
  readonly requests: ReceivedRequest[];
  readonly errors: CodecError[];
  readonly connections: DownstreamConnection[];
  close(): Promise<void>;
}

/** An HTTP/1.1 server of the codec; `onRequest` answers. */
export const startServer = (
  onRequest: (request: ReceivedRequest) => void,
  options: Partial<ServerConnectionOptions> = {},
): Promise<TestServer> => serveWith(createServerConnection, onRequest, { delayedCloseMs: 30, ...options });

/** A server of some codec of ours, with all that it hears. */
export async function serveWith(
  serve: (socket: Socket, options: ServerConnectionOptions) => DownstreamConnection,
  onRequest: (request: ReceivedRequest) => void,
  options: Partial<ServerConnectionOptions>,
): Promise<TestServer> {
  const requests: ReceivedRequest[] = [];
  const errors: CodecError[] = [];
  const connections: DownstreamConnection[] = [];
  const server = createServer((socket) => {
    const connection = serve(socket, {
      clock: systemClock(),
      onRequest: (stream, on) => {
        const request = new ReceivedRequest(stream, on);
        requests.push(request);
        onRequest(request);
      },
      onProtocolError: (error) => errors.push(error),
      ...options,
    });
    connections.push(connection);
  });
  const port = await listen(server);
  const close = async (): Promise<void> => {
    for (const connection of connections) connection.close();
    server.close();
    await once(server, 'close');
  };
  return { port, requests, errors, connections, close };
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

/** A TCP client that says what it is told and remembers what it heard. */
export class RawClient {
  readonly socket: Socket;
  received = '';
  closed = false;
  #changed: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: false });
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
      this.#notify();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
      this.#notify();
    });
  }

  write(text: string | Buffer): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  /** Waits until `test` holds for what was received, or the connection closed. */
  async until(test: (received: string) => boolean): Promise<string> {
    while (!test(this.received) && !this.closed) {
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
    return this.received;
  }

  async untilClosed(): Promise<string> {
    while (!this.closed) await new Promise<void>((resolve) => this.#changed.push(resolve));
    return this.received;
  }

  #notify(): void {
    for (const resolve of this.#changed.splice(0)) resolve();
  }
}

/** Sends everything at once on a connection of its own and returns what came back before the server closed. */
export async function exchange(port: number, text: string): Promise<string> {
  const client = new RawClient(port);
  client.write(text);
  return client.untilClosed();
}

/** Collects a response. */
export class ReceivedResponse implements ResponseSink {
  readonly informationals: ResponseHead[] = [];
  readonly chunks: Buffer[] = [];
  response: ResponseHead | undefined = undefined;
  trailers: Headers | undefined = undefined;
  resetReason: { reason: ResetReason; detail: string } | undefined = undefined;
  ended = false;
  drains = 0;
  #waiting: (() => void)[] = [];

  get body(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  get over(): boolean {
    return this.ended || this.resetReason !== undefined;
  }

  /** Resolves when the response ended or was reset. */
  async settled(): Promise<this> {
    await this.until(() => this.over);
    return this;
  }

  async until(test: () => boolean): Promise<void> {
    while (!test()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  informational(head: ResponseHead): void {
    this.informationals.push(head);
    this.#notify();
  }

  head(head: ResponseHead, endStream: boolean): void {
    this.response = head;
    this.ended = endStream;
    this.#notify();
  }

  data(chunk: Buffer): void {
    this.chunks.push(Buffer.from(chunk));
    this.#notify();
  }

  end(trailers: Headers | undefined): void {
    this.trailers = trailers;
    this.ended = true;
    this.#notify();
  }

  reset(reason: ResetReason, detail: string): void {
    this.resetReason = { reason, detail };
    this.#notify();
  }

  drain(): void {
    this.drains++;
    this.#notify();
  }

  #notify(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
