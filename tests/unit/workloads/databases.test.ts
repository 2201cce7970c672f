import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RatingsTable } from '../../../server/workloads/databases/ratings-table.ts';
import { SqlError } from '../../../server/workloads/databases/sql.ts';
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

/** What the table says to statements, one after the other: rows, affected rows, or the error's number. */
function ask(...statements: string[]): unknown[] {
  const table = new RatingsTable();
  const session = { database: 'test', user: 'root@127.0.0.1', connectionId: 7, version: '8' };
  return statements.map((text) => {
    try {
      const { columns, rows, affectedRows } = table.run(text, session);
      return columns === undefined ? affectedRows : rows;
    } catch (thrown) {
      if (thrown instanceof SqlError) return thrown.errno;
      throw thrown;
    }
  });
}

describe('the SQL of mysqldb', () => {
  it('reads and changes the table', () => {
    expect(
      ask(
        'update ratings set rating=1 where reviewid=1;',
        'SELECT * FROM `ratings` ORDER BY ReviewID DESC',
        'INSERT INTO ratings (ReviewID, Rating) VALUES (3, NULL), (4, 2)',
        'SELECT ReviewID FROM ratings WHERE Rating >= 2 AND ReviewID <> 2 LIMIT 1',
        'DELETE FROM ratings WHERE ReviewID > 2',
        'select count(*) from ratings',
        'SET autocommit=1',
        'select database(), connection_id()',
      ),
    ).toEqual([
      1,
      [
        [2, 4],
        [1, 1],
      ],
      2,
      [[4]],
      2,
      [[2]],
      0,
      [['test', 7]],
    ]);
  });

  it('refuses what it cannot do, with MySQL’s numbers', () => {
    expect(
      ask(
        'selec 1',
        'constructor',
        '',
        'SELECT * FROM ratings WHERE',
        'SELECT * FROM users',
        'SELECT stars FROM ratings',
        'INSERT INTO ratings VALUES (1, 5)',
        "INSERT INTO ratings VALUES (9, 'five')",
        'INSERT INTO ratings VALUES (9, 4294967296)',
        'INSERT INTO ratings VALUES (9)',
        'UPDATE ratings SET ReviewID = 5',
        'CREATE TABLE t (a INT)',
        'USE mysql',
      ),
    ).toEqual([1064, 1064, 1064, 1064, 1146, 1054, 1062, 1366, 1264, 1136, 1062, 1235, 1049]);
  });
});

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
