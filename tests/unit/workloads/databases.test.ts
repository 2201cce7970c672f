import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyOf, TestNet } from './support.ts';

const net = new TestNet();
beforeAll(async () => {
  await net.run('examples-bookinfo-mysqldb:1.20.3', 'mysqldb', { MYSQL_ROOT_PASSWORD: 'password' });
  await net.run('examples-bookinfo-mongodb:1.20.3', 'mongodb');
});
afterAll(() => net.close());

const MYSQL = {
  DB_TYPE: 'mysql',
  MYSQL_DB_HOST: 'mysqldb',
  MYSQL_DB_PORT: '3306',
  MYSQL_DB_USER: 'root',
  MYSQL_DB_PASSWORD: 'password',
};
let started = 0;
const ratings = (env: Record<string, string>) =>
  net.run('examples-bookinfo-ratings-v2:1.20.3', `ratings-${++started}`, env);

describe('ratings-v2', () => {
  it('reads the ratings of MySQL', async () => {
    const program = await ratings(MYSQL);
    const response = await program.get('/ratings/7');
    expect([response.status, bodyOf(response)]).toEqual([200, { id: 7, ratings: { Reviewer1: 5, Reviewer2: 4 } }]);
  });

  it('reads the ratings of MongoDB', async () => {
    const program = await ratings({ MONGO_DB_URL: 'mongodb://mongodb:27017/test' });
    const response = await program.get('/ratings/0');
    expect([response.status, bodyOf(response)]).toEqual([200, { id: 0, ratings: { Reviewer1: 5, Reviewer2: 4 } }]);
  });

  it.each([
    [
      'a wrong password',
      { ...MYSQL, MYSQL_DB_PASSWORD: 'guess' },
      200,
      /Access denied for user 'root'@'127.0.0.1' \(using password: YES\)/,
    ],
    ['a host without address', { ...MYSQL, MYSQL_DB_HOST: 'nowhere' }, 200, /ENOTFOUND nowhere/],
    ['a server of another protocol', { ...MYSQL, MYSQL_DB_HOST: 'closing' }, 200, /Connection lost/],
    [
      'no MongoDB',
      { MONGO_DB_URL: 'mongodb://nowhere/test' },
      500,
      /failed to connect to server \[nowhere:27017\] on first connect/,
    ],
  ])('tells that there is no database: %s', async (_what, env, status, log) => {
    await net.serveTcp('closing', (socket) => socket.destroy());
    const program = await ratings(env);
    const response = await program.get('/ratings/0');
    expect([response.status, bodyOf(response)]).toEqual([status, { error: 'could not connect to ratings database' }]);
    expect(program.logs.join('\n')).toMatch(log);
  });

  it('gives up a database that never answers', async () => {
    await net.serveTcp('silent', () => undefined);
    const program = await ratings({ MONGO_DB_URL: 'mongodb://silent/test' });
    const asked = program.get('/ratings/0');
    while (net.clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
    net.clock.advance(10_000);
    expect((await asked).status).toBe(500);
  });

  it('takes no new ratings', async () => {
    const program = await ratings(MYSQL);
    const response = await program.get('/ratings/0', { method: 'POST', body: '{"Reviewer1":1}' });
    expect([response.status, bodyOf(response)]).toEqual([
      501,
      { error: 'Post not implemented for database backed ratings' },
    ]);
  });
});

it('ends without a password for root, as the published image does', async () => {
  const program = await net.run('examples-bookinfo-mysqldb', 'unset');
  expect(await program.exitCode()).toBe(1);
  expect(program.logs[0]).toContain('password option is not specified');
});

/** Everything that a host says to these bytes until it closes the connection. */
async function say(host: string, port: number, bytes: Buffer): Promise<Buffer> {
  const socket = await net.dial(host, port);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks)));
    socket.write(bytes);
  });
}

describe('broken clients', () => {
  it('hear that their packet is too long, or no handshake', async () => {
    expect((await say('mysqldb', 3306, Buffer.from([0xff, 0xff, 0xff, 1]))).toString('latin1')).toContain(
      '#08S01Got a packet bigger',
    );
    expect((await say('mysqldb', 3306, Buffer.from([2, 0, 0, 1, 0, 0]))).toString('latin1')).toContain(
      '#08S01Bad handshake',
    );
  });

  it.each([
    ['a length below nothing', Buffer.alloc(20, 0xff)],
    ['an unknown operation', Buffer.from([21, 0, 0, 0, ...Array(8).fill(0), 1, 2, 3, 4, 0, 0, 0, 0, 0])],
    [
      'a document that is longer than the message',
      Buffer.from([26, 0, 0, 0, ...Array(8).fill(0), 0xdd, 7, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0, 0]),
    ],
  ])('end the conversation with MongoDB: %s', async (_what, bytes) => {
    expect(await say('mongodb', 27017, bytes)).toEqual(Buffer.alloc(0));
  });
});
