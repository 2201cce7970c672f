import { connect, type Socket } from 'node:net';
import { percentile } from './statistics.ts';

// A process of its own, so that its work never delays what it measures. Told by message what to load; answers with a LatencyResult.

export interface LatencyTask {
  /** `http://127.0.0.1:4711/s` */
  readonly url: string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly connections: number;
}

export interface LatencyResult {
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends one request after the other on one connection, and times each from its write to the last byte of its answer. */
class Connection {
  busy = false;
  readonly #socket: Socket;
  readonly #request: string;
  readonly #onAnswer: (ms: number, status: number) => void;
  #sentAt = 0;
  #received = '';

  constructor(url: URL, onAnswer: (ms: number, status: number) => void) {
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.setEncoding('latin1').on('data', (text: string) => this.#read(text));
    this.#request = `GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`;
    this.#onAnswer = onAnswer;
  }

  send(dueAt: number): void {
    this.busy = true;
    this.#sentAt = dueAt;
    this.#socket.write(this.#request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    this.#received += text;
    const head = this.#received.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/^content-length: *(\d+)/im.exec(this.#received)?.[1] ?? 0);
    if (this.#received.length < head + 4 + length) return;
    const status = Number(this.#received.slice(9, 12));
    this.#received = '';
    this.busy = false;
    this.#onAnswer(performance.now() - this.#sentAt, status);
  }
}

function run(task: LatencyTask): Promise<LatencyResult> {
  const times: number[] = [];
  let failed = 0;
  const connections = Array.from(
    { length: task.connections },
    () =>
      new Connection(new URL(task.url), (ms, status) => {
        if (status === 200) times.push(ms);
        else failed++;
      }),
  );
  const total = task.perSecond * task.seconds;
  const everyMs = 1000 / task.perSecond;
  let sent = 0;
  return new Promise((resolve) => {
    const beganAt = performance.now() + 50;
    const timer = setInterval(() => {
      const now = performance.now();
      const late = now > beganAt + task.seconds * 1000 + 2000;
      if (late || times.length + failed === total) {
        clearInterval(timer);
        for (const connection of connections) connection.close();
        times.sort((a, b) => a - b);
        const missing = total - times.length;
        resolve({ requests: total, failed: missing, p50Ms: percentile(times, 50), p99Ms: percentile(times, 99) });
      }
      // One at a time, as they become due; what finds no free connection is sent with the next tick and counts from then.
      if (sent >= total || now < beganAt + sent * everyMs) return;
      const free = connections.find(({ busy }) => !busy);
      if (free === undefined) return;
      sent++;
      free.send(now);
    }, 1);
  });
}

process.on('message', (task: LatencyTask) => {
  run(task).then((result) => process.send?.(result));
});
