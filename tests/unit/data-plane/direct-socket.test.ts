import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connectTcp, listenOnTcp } from '#data-plane';
import { ByteSender } from '../../../server/data-plane/listener/byte-sender.ts';
import { onBytes } from '../../../server/data-plane/listener/direct-socket.ts';
import { freePort } from '../../support/free-port.ts';

const PAYLOAD_BYTES = 3_000_000;
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Runs `use` with connections to a server that treats each as `serve` says. */
async function withServer(serve: (socket: Socket) => void, use: (dial: () => Socket) => Promise<void>): Promise<void> {
  const port = await freePort();
  const binding = listenOnTcp({ ip: '127.0.0.1', port }, serve);
  await binding.bound;
  const opened: Socket[] = [];
  try {
    await use(() => {
      const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true });
      opened.push(socket);
      return socket;
    });
  } finally {
    for (const socket of opened) socket.destroy();
    binding.close();
  }
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

describe('sockets that read into one buffer', () => {
  it('keep the bytes of many connections apart, both ways', async () => {
    await withServer(
      (socket) => socket.pipe(socket),
      async (dial) => {
        const payloads = Array.from({ length: 8 }, () => randomBytes(PAYLOAD_BYTES));
        const echoes = await Promise.all(
          payloads.map((payload) => {
            const socket = dial();
            socket.end(payload);
            return readAll(socket);
          }),
        );
        expect(echoes.map(digest)).toEqual(payloads.map(digest));
      },
    );
  });

  it('stop the peer while nobody takes what arrived, and go on afterwards', async () => {
    const payload = randomBytes(PAYLOAD_BYTES * 4);
    let accepted: Socket | undefined;
    await withServer(
      (socket) => {
        socket.pause();
        accepted = socket;
      },
      async (dial) => {
        const socket = dial();
        expect(socket.write(payload)).toBe(false);
        socket.end();
        await once(socket, 'connect');
        await expect.poll(() => accepted?.readableLength ?? 0).toBeGreaterThan(0);
        expect(accepted!.readableLength).toBeLessThan(payload.length / 4);
        expect(digest(await readAll(accepted!))).toBe(digest(payload));
      },
    );
  });

  it('hand their bytes on whole and in order to a taker that stops after each part and goes on later', async () => {
    const payload = randomBytes(PAYLOAD_BYTES);
    const taken: Buffer[] = [];
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    await withServer(
      (socket) => {
        socket.once('end', resolve);
        onBytes(socket, (chunk) => {
          expect(socket.isPaused()).toBe(false);
          taken.push(chunk);
          socket.pause();
          setImmediate(() => socket.resume());
        });
      },
      async (dial) => {
        const socket = dial();
        socket.end(payload);
        await ended;
        expect(taken.length).toBeGreaterThan(1);
        expect(digest(Buffer.concat(taken))).toBe(digest(payload));
      },
    );
  });

  it('send whole and in order to a peer that takes its time, and tell when nothing waits any more', async () => {
    const parts = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? randomBytes(400_000) : `part ${i} \xe9\xff`));
    let accepted: Socket | undefined;
    await withServer(
      (socket) => {
        socket.pause();
        accepted = socket;
      },
      async (dial) => {
        const socket = dial();
        const sender = new ByteSender(socket);
        // Before there is a connection, the stream keeps what is sent.
        expect(sender.send('early ')).toBe('early '.length);
        await expect.poll(() => socket.writableLength).toBe(0);
        const waiting = parts.map((part) => sender.send(part));
        const bytes = parts.reduce((sum, part) => sum + part.length, 0);
        expect(waiting[0]).toBe(0);
        expect(waiting.at(-1)).toBeGreaterThan(bytes / 4);
        expect(waiting.at(-1)).toBeLessThanOrEqual(bytes);
        const drained = once(socket, 'drain');
        await expect.poll(() => accepted !== undefined).toBe(true);
        const read = readAll(accepted!);
        await drained;
        expect(sender.send('late')).toBe(0);
        socket.end();
        const whole = ['early ', ...parts, 'late'].map((part) =>
          typeof part === 'string' ? Buffer.from(part, 'latin1') : part,
        );
        expect(digest(await read)).toBe(digest(Buffer.concat(whole)));
      },
    );
  });

  it('end when what they send cannot arrive', async () => {
    await withServer(
      (socket) => socket.once('data', () => socket.resetAndDestroy()),
      async (dial) => {
        const socket = dial();
        const sender = new ByteSender(socket);
        const failed = once(socket, 'error');
        const closed = new Promise((resolve) => socket.once('close', resolve));
        await once(socket, 'connect');
        for (let tries = 0; !socket.destroyed && tries < 1000; tries++) {
          sender.send(Buffer.alloc(100_000));
          await new Promise((resolve) => setImmediate(resolve));
        }
        expect((await failed)[0]).toHaveProperty('code', expect.stringMatching(/ECONNRESET|EPIPE/));
        await closed;
      },
    );
  });

  it('end without a reset when what came was never looked at', async () => {
    await withServer(
      (socket) => {
        socket.pause();
        socket.once('readable', () => socket.destroy());
      },
      async (dial) => {
        const socket = dial();
        socket.write('is anybody there?');
        expect((await readAll(socket)).length).toBe(0);
      },
    );
  });

  it('tell the addresses of both ends', async () => {
    let remotePort = 0;
    await withServer(
      (socket) => {
        remotePort = socket.remotePort ?? 0;
        socket.end();
      },
      async (dial) => {
        const socket = dial();
        await readAll(socket);
        expect(remotePort).toBe(socket.localPort);
        expect(socket.remoteAddress).toBe('127.0.0.1');
      },
    );
  });
});
