import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestNet } from './support.ts';

const net = new TestNet();
beforeAll(async () => {
  await net.run('docker.io/redis:alpine', 'redis');
});
afterAll(() => net.close());

/** What redis answers to these bytes, once `count` lines have come. */
async function say(text: string, count: number): Promise<string[]> {
  const socket = await net.dial('redis', 6379);
  return new Promise((resolve) => {
    let read = '';
    socket.on('data', (chunk) => {
      read += chunk.toString();
      const lines = read.split('\r\n').slice(0, -1);
      if (lines.length < count) return;
      socket.destroy();
      resolve(lines);
    });
    socket.write(text);
  });
}

it('keeps texts and counters, several commands at once', async () => {
  const set = '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nhello\r\n';
  expect(await say(`PING\r\n${set}GET a\r\nINCR n\r\nINCRBY n 4\r\nDEL a\r\nGET a\r\n`, 8)).toEqual([
    '+PONG',
    '+OK',
    '$5',
    'hello',
    ':1',
    ':5',
    ':1',
    '$-1',
  ]);
});

it('forgets what has expired', async () => {
  expect(await say('SET k v\r\nEXPIRE k 60\r\nTTL k\r\n', 3)).toEqual(['+OK', ':1', ':60']);
  net.clock.advance(60_000);
  expect(await say('GET k\r\nTTL k\r\n', 2)).toEqual(['$-1', ':-2']);
});

it('refuses what it does not know', async () => {
  expect(await say('*1\r\n$x\r\nPING\r\n', 1)).toEqual(["-ERR unknown command 'invalid bulk length'"]);
  expect(await say('LPUSH a b\r\nSET s x\r\nINCR s\r\n', 3)).toEqual([
    "-ERR unknown command 'LPUSH'",
    '+OK',
    '-ERR value is not an integer or out of range',
  ]);
});
