import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { DownstreamConnection } from '../../server/data-plane/http/codec.ts';
import { Headers } from '../../server/data-plane/http/headers.ts';
import { serveHttp } from '../../server/data-plane/http/server-codec.ts';
import { systemClock } from '../../server/system.ts';
import { residentMb } from './measure.ts';

// What connections cost that wait for their next request, HTTP/1.1 and HTTP/2: memory of the process that holds them, for each connection.
// Argument: how many. A second process is the clients.

const ANSWER = Headers.of({ 'content-length': '0' });

/** Opens connections until `count` have been answered once. */
async function hold(protocol: string, port: number, count: number): Promise<void> {
  const { connect } = await import('node:net');
  const { connect: connectHttp2 } = await import('node:http2');
  const one = async (): Promise<void> => {
    if (protocol === 'h1') {
      const socket = connect(port, '127.0.0.1');
      socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      await once(socket, 'data');
      return;
    }
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': '/' });
    stream.resume();
    await once(stream, 'close');
  };
  for (let begun = 0; begun < count; begun += 100) await Promise.all(Array.from({ length: 100 }, one));
}

async function measure(protocol: 'h1' | 'h2', count: number): Promise<number> {
  const connections = new Set<DownstreamConnection>();
  const server = createServer((socket: Socket) => {
    const connection = serveHttp(socket, 'AUTO', {
      clock: systemClock(),
      onRequest: (stream) => {
        const end = (): void => stream.sendHead({ status: 200, headers: ANSWER.clone() }, true);
        stream.receive({ data: () => undefined, reset: () => undefined, drain: () => undefined, end });
      },
    });
    connections.add(connection);
  });
  server.listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  await settle();
  const before = residentMb(process.pid);
  const clients = fork(import.meta.filename, [protocol, String(address.port), String(count)]);
  await once(clients, 'message');
  await settle();
  const kb = ((residentMb(process.pid) - before) * 1024) / connections.size;
  clients.kill();
  await once(clients, 'exit');
  for (const connection of connections) connection.close();
  server.close();
  return kb;
}

async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await delay(300);
    globalThis.gc?.();
  }
}

const [first = '10000', port, count] = process.argv.slice(2);
if (port !== undefined && count !== undefined) {
  await hold(first, Number(port), Number(count));
  process.send?.('held');
  setInterval(() => undefined, 1000);
} else {
  for (const protocol of ['h1', 'h2'] as const) {
    const kb = await measure(protocol, Number(first));
    console.log(`${first} idle connections, ${protocol === 'h1' ? 'HTTP/1.1' : 'HTTP/2'}: ${kb.toFixed(1)} KB each`);
  }
  process.exit(0);
}
