import { on, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { ServerEvent, ServerMessage } from '#contract';
import { MeshworkError } from '#domain';
import type { PageConnection } from '../../../server/api/gateway/learner-session.ts';
import { connectPage, MAX_UNREAD_ANSWER_BYTES } from '../../../server/api/gateway/page-connection.ts';
import { manualClock } from '../../support/manual-clock.ts';

const MB = 1_048_576;
const http = createServer();
const sockets = new WebSocketServer({ server: http });

/** The server's end of one page, and the page: a real WebSocket that can stop to read. */
interface Joined {
  readonly page: PageConnection;
  readonly serverEnd: WebSocket;
  readonly client: WebSocket;
  /** Everything that the page read. */
  readonly heard: ServerMessage[];
  /** Ids of the requests that reached the session. */
  readonly asked: number[];
  /** Ended by the server. */
  readonly closed: Promise<void>;
  until(what: (message: ServerMessage) => boolean): Promise<ServerMessage>;
}

let joined: Joined;
const clock = manualClock();

beforeEach(async () => {
  if (!http.listening) await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const heard: ServerMessage[] = [];
  const asked: number[] = [];
  const watchers = new Set<(message: ServerMessage) => void>();
  const server = new Promise<Pick<Joined, 'page' | 'serverEnd'>>((resolve) => {
    sockets.once('connection', (serverEnd) => {
      const attach = (page: PageConnection): (() => void) => {
        resolve({ page, serverEnd });
        return () => undefined;
      };
      connectPage(serverEnd, { clock, sessionOf: () => ({ attach, request: (_page, { id }) => void asked.push(id) }) });
    });
  });
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  client.on('message', (data) => {
    const message = JSON.parse(data.toString()) as ServerMessage;
    heard.push(message);
    for (const watch of watchers) watch(message);
  });
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  await new Promise((resolve) => client.once('open', resolve));
  const until: Joined['until'] = (what) =>
    new Promise((resolve) => {
      const already = heard.find(what);
      if (already) return resolve(already);
      watchers.add((message) => what(message) && resolve(message));
    });
  joined = { ...(await server), client, heard, asked, closed, until };
});
afterEach(() => joined.client.terminate());
afterAll(() => void http.close());

/** One in three is a command's output. */
const event = (index: number): ServerEvent => {
  const text = `${index} ${'x'.repeat(2000)}`;
  return index % 3 === 0
    ? { type: 'terminal', output: { terminal: 't1', stream: 'stdout', text } }
    : { type: 'unkept', reason: text };
};
const isEvent = (seq: number) => (message: ServerMessage) => 'seq' in message && message.seq === seq;
/** The event loop turns once, so that sockets can write and read. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Sends so many events of 2 KB, and answers with the most that the server held unsent meanwhile. */
async function flood(count: number, firstSeq: number): Promise<number> {
  let most = 0;
  for (let index = 0; index < count; index++) {
    joined.page.send({ seq: firstSeq + index, event: event(index) });
    most = Math.max(most, joined.serverEnd.bufferedAmount);
    if (index % 100 === 0) await turn();
  }
  return most;
}

test('a page that reads is told every event, in order', async () => {
  await flood(3000, 1);
  await joined.until(isEvent(3000));
  expect(joined.heard.map((message) => ('seq' in message ? message.seq : 0))).toEqual(
    Array.from({ length: 3000 }, (_, index) => index + 1),
  );
});

test('a page that stopped to read costs less than 1 MB while 40 MB of events come, then hears on, with a gap that tells it', async () => {
  joined.client.pause();
  const held = await flood(20_000, 1);
  expect(held).toBeGreaterThan(MB / 4);
  expect(held).toBeLessThan(MB);
  joined.page.send({ seq: 20_001, event: { type: 'terminal-exit', terminal: 't1', exitCode: 0, cwd: '/' } });
  joined.page.send({ id: 7, result: 'answered' });
  joined.client.resume();
  expect(await joined.until((message) => 'id' in message)).toEqual({ id: 7, result: 'answered' });
  const told = joined.heard.filter((message) => 'seq' in message).map(({ seq }) => seq);
  expect(told.at(-1)).toBe(20_001);
  expect(told.length).toBeLessThan(20_001);
  expect(joined.serverEnd.bufferedAmount).toBe(0);
  joined.page.send({ seq: 20_002, event: event(0) });
  await joined.until(isEvent(20_002));
});

test('a page that asks and does not read is asked no more of until it has read what it was answered', async () => {
  joined.client.pause();
  joined.page.send({ id: 1, result: 'x'.repeat(7 * MB) });
  expect(joined.serverEnd.isPaused).toBe(true);
  joined.client.send(JSON.stringify({ id: 2, method: 'stream.ping', params: {} }));
  for (let turns = 0; turns < 20; turns++) await turn();
  expect(joined.asked).toEqual([]);
  const resumed = new Promise<void>((resolve) => joined.serverEnd.once('message', () => resolve()));
  joined.client.resume();
  await resumed;
  expect(joined.asked).toEqual([2]);
});

test('a page that leaves answers unread beyond 8 MB is let go', async () => {
  joined.client.pause();
  for (let id = 1; joined.serverEnd.readyState === WebSocket.OPEN; id++) {
    expect(joined.serverEnd.bufferedAmount).toBeLessThan(MAX_UNREAD_ANSWER_BYTES + 2 * MB);
    joined.page.send({ id, result: 'x'.repeat(MB) });
    await turn();
  }
  joined.client.resume();
  await joined.closed;
});

test('a page that does not answer a ping is let go at the next', async () => {
  joined.client.pause();
  clock.advance(30_000);
  await turn();
  clock.advance(30_000);
  joined.client.resume();
  await joined.closed;
});

test('a page for which there is no room is told so when it asks, and served when there is', async () => {
  let full = true;
  const asked: number[] = [];
  const { port } = http.address() as AddressInfo;
  sockets.once('connection', (serverEnd) => {
    const session = {
      attach: () => () => undefined,
      request: (_page: unknown, { id }: { id: number }) => void asked.push(id),
    };
    const sessionOf = () => {
      if (full) throw new MeshworkError('server_full', 'two meshes are running on this server; it takes no more.');
      return session;
    };
    connectPage(serverEnd, { clock, sessionOf });
  });
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  const answers = on(client, 'message');
  const ask = async (id: number, method: string, params: object) => {
    client.send(JSON.stringify({ id, method, params }));
    const { value } = (await answers.next()) as { value: [Buffer] };
    return JSON.parse(value[0].toString()) as ServerMessage;
  };
  await once(client, 'open');
  expect(await ask(1, 'lab.open', { lab: 'canary' })).toEqual({
    id: 1,
    error: {
      code: 'server_full',
      message: 'two meshes are running on this server; it takes no more.',
      hint: 'A mesh ends five minutes after its last page was closed. Reload this page then.',
    },
  });
  expect(await ask(2, 'stream.ping', {})).toEqual({ id: 2, result: {} });
  full = false;
  client.send(JSON.stringify({ id: 3, method: 'lab.open', params: { lab: 'canary' } }));
  await expect.poll(() => asked).toEqual([3]);
  client.terminate();
});
