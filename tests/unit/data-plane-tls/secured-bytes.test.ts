import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ByteSender } from '../../../server/data-plane/listener/byte-sender.ts';
import { onBytes } from '../../../server/data-plane/listener/direct-socket.ts';
import { createTestCa } from './certificates.ts';

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

let server: Server;
let client: TLSSocket;
let accepted: TLSSocket;

beforeEach(async () => {
  const { chainPem, keyPem } = await (await createTestCa()).issue({ dns: ['shop.example'] });
  server = createServer({ cert: chainPem, key: keyPem });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const arrived = once(server, 'secureConnection');
  client = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  [accepted] = (await arrived) as [TLSSocket];
  if (!client.authorizationError && client.connecting) await once(client, 'secureConnect');
});

afterEach(() => {
  client.destroy();
  accepted.destroy();
  server.close();
});

/** All that arrives until the other side ends, taken past the stream. */
function taken(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  onBytes(socket, (chunk) => chunks.push(chunk));
  socket.resume();
  return once(socket, 'end').then(() => Buffer.concat(chunks));
}

describe('sockets of TLS', () => {
  it('send whole and in order, end behind all of it, and tell when bytes may be overwritten', async () => {
    const sender = new ByteSender(client);
    const parts = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? `part ${i} \xe9\xff` : randomBytes(i * 1000)));
    const left: number[] = [];
    const whole = taken(accepted);
    let unsent = 0;
    for (const [i, part] of parts.entries()) unsent = sender.send(part, () => left.push(i));
    expect(unsent).toBe(parts.reduce((sum, part) => sum + part.length, 0));
    const drained = once(client, 'drain');
    sender.end();
    const sent = parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part));
    expect(digest(await whole)).toBe(digest(Buffer.concat(sent)));
    await drained;
    expect(left).toEqual(parts.map((_, i) => i));
  });

  it('let bytes wait for a peer that reads nothing, and send them when it does', async () => {
    const sender = new ByteSender(client);
    accepted.pause();
    const block = randomBytes(1_000_000);
    const waiting = Array.from({ length: 16 }, () => sender.send(block));
    expect(waiting).toEqual(Array.from({ length: 16 }, (_, i) => (i + 1) * block.length));
    const drained = once(client, 'drain');
    const whole = taken(accepted);
    await drained;
    const last = sender.send('last');
    expect(last).toBe(4);
    sender.end();
    expect(digest(await whole)).toBe(digest(Buffer.concat([...Array<Buffer>(16).fill(block), Buffer.from('last')])));
  });

  it('hand their bytes on whole and in order to a taker that stops after each part and goes on later', async () => {
    const payload = randomBytes(3_000_000);
    const parts: Buffer[] = [];
    onBytes(accepted, (chunk) => {
      expect(accepted.isPaused()).toBe(false);
      parts.push(chunk);
      accepted.pause();
      setImmediate(() => accepted.resume());
    });
    accepted.resume();
    const ended = once(accepted, 'end');
    client.end(payload);
    await ended;
    expect(parts.length).toBeGreaterThan(1);
    expect(digest(Buffer.concat(parts))).toBe(digest(payload));
  });

  it('stop the peer while nobody takes what arrived', async () => {
    const sender = new ByteSender(client);
    onBytes(accepted, () => expect.unreachable('it is paused'));
    accepted.pause();
    const bytes = 64_000_000;
    sender.send(Buffer.alloc(bytes));
    await expect.poll(() => accepted.readableLength).toBeGreaterThan(0);
    expect(accepted.readableLength).toBeLessThan(bytes / 16);
  });

  it('end when what they send cannot arrive', async () => {
    const sender = new ByteSender(client);
    const failed = once(client, 'error');
    const closed = new Promise((resolve) => client.once('close', resolve));
    accepted.destroy();
    for (let tries = 0; !client.destroyed && tries < 1000; tries++) {
      sender.send(Buffer.alloc(100_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await failed)[0]).toHaveProperty('code', expect.stringMatching(/ECONNRESET|EPIPE/));
    await closed;
  });
});
