import { expect, test } from 'vitest';
import type { ServerEvent } from '#contract';
import { Connection, type ConnectionState } from '../../../src/lab-client/connection.ts';
import { HandTimers, HandTransport } from './by-hand.ts';

function setUp() {
  const [transport, timers] = [new HandTransport(), new HandTimers()];
  const states: ConnectionState[] = [];
  const homes: (string | undefined)[] = [];
  const events: ServerEvent[] = [];
  const fresh = { count: 0 };
  const connection = new Connection({
    transport,
    timers,
    chance: () => 0,
    onFresh: () => {
      fresh.count += 1;
    },
    onEvent: (event) => events.push(event),
    onState: (state, home) => {
      states.push(state);
      homes.push(home);
    },
  });
  return { transport, timers, states, homes, events, fresh, connection };
}

async function opened() {
  const all = setUp();
  all.connection.start();
  await Promise.resolve();
  await Promise.resolve();
  all.transport.events?.open();
  return all;
}

const mesh = { type: 'mesh', mesh: { atMs: 1, windowMs: 1, nodes: [], edges: [] } } as const;

test('answers come back to the request with their id', async () => {
  const { connection, transport } = await opened();
  const first = connection.request('hints.next', {});
  const second = connection.request('checks.run', {});
  const [one, two] = transport.sent;
  transport.say({ id: two?.id, result: { checks: [] } });
  transport.say({ id: one?.id, result: { number: 1, of: 3, text: 'x', last: false } });
  await expect(first).resolves.toMatchObject({ number: 1 });
  await expect(second).resolves.toEqual({ checks: [] });
});

test('a refusal keeps the code and hint of the server', async () => {
  const { connection, transport } = await opened();
  const asked = connection.request('checks.run', {});
  transport.say({ id: transport.sent[0]?.id, error: { code: 'busy', message: 'A run goes on.', hint: 'Wait.' } });
  await expect(asked).rejects.toMatchObject({ code: 'busy', hint: 'Wait.' });
});

test('a request without an answer ends with a time-out', async () => {
  const { connection, timers } = await opened();
  const asked = connection.request('checks.run', {}, 5000);
  expect(timers.fireNext()).toBe(5000);
  await expect(asked).rejects.toMatchObject({ code: 'timeout' });
});

test('requests in flight are refused when the stream breaks, and the server is called again with growing waits', async () => {
  const { connection, transport, timers, states, fresh } = await opened();
  const asked = connection.request('checks.run', {});
  transport.up = false;
  transport.events?.closed();
  await expect(asked).rejects.toMatchObject({ code: 'disconnected' });
  expect(states.at(-1)).toBe('retrying');
  expect(timers.fireNext()).toBe(250);
  await new Promise((done) => setImmediate(done));
  expect(timers.fireNext()).toBe(500);
  await new Promise((done) => setImmediate(done));
  transport.up = true;
  timers.fireNext();
  await new Promise((done) => setImmediate(done));
  transport.events?.open();
  expect(states.at(-1)).toBe('open');
  expect(fresh.count).toBe(2);
});

test('without a lab server the state is away', async () => {
  const { connection, transport, states } = setUp();
  transport.up = false;
  connection.start();
  await new Promise((done) => setImmediate(done));
  expect(states).toEqual(['connecting', 'away']);
});

test('a page under a name that its server does not answer to says where it should be, and calls again when it is asked to', async () => {
  const { connection, transport, timers, states, homes } = setUp();
  transport.home = 'http://127.0.0.1:4321';
  connection.start();
  await new Promise((done) => setImmediate(done));
  expect(states).toEqual(['connecting', 'misplaced']);
  expect(homes.at(-1)).toBe('http://127.0.0.1:4321');
  expect(timers.waiting.filter(({ cancelled }) => !cancelled)).toEqual([]);
  transport.home = undefined;
  connection.retryNow();
  await new Promise((done) => setImmediate(done));
  transport.events?.open();
  expect(states.at(-1)).toBe('open');
  expect(homes.at(-1)).toBeUndefined();
});

test('events that were heard already are dropped, and a gap asks for the whole state', async () => {
  const { transport, events, fresh } = await opened();
  transport.say({ seq: 1, event: mesh });
  transport.say({ seq: 1, event: mesh });
  transport.say({ seq: 2, event: mesh });
  expect([events.length, fresh.count]).toEqual([2, 1]);
  transport.say({ seq: 5, event: mesh });
  expect([events.length, fresh.count]).toEqual([3, 2]);
});

test('a page that was replaced does not call again by itself', async () => {
  const { transport, states, timers } = await opened();
  transport.say({ seq: 1, event: { type: 'replaced', reason: 'open elsewhere' } });
  expect(states.at(-1)).toBe('replaced');
  expect(timers.waiting.filter((timer) => !timer.cancelled)).toEqual([]);
});

test('the page that opens its lab takes over: only the others hear that they are replaced', async () => {
  const { transport, states, connection } = await opened();
  void connection.request('lab.open', { lab: 'canary' }).catch(() => undefined);
  transport.say({ seq: 1, event: { type: 'replaced', reason: 'Another page opened the lab canary.' } });
  expect(states).not.toContain('replaced');
  const opening = transport.sent.findLast((one) => one.method === 'lab.open');
  transport.say({ id: opening?.id ?? 0, result: {} });
  transport.say({ seq: 2, event: { type: 'replaced', reason: 'Another page opened the lab bookinfo.' } });
  expect(states.at(-1)).toBe('replaced');
});

test('a server that has not said a word for ten seconds is asked, and called again when it does not answer', async () => {
  const { transport, timers, states } = await opened();
  const first = transport.events;
  transport.say({ seq: 1, event: mesh });
  expect(timers.fireNext()).toBe(10_000);
  expect(transport.sent).toEqual([]);
  expect(timers.fireNext()).toBe(10_000);
  expect(transport.sent.map(({ method }) => method)).toEqual(['stream.ping']);
  transport.say({ id: transport.sent[0]?.id, result: {} });
  await new Promise((done) => setImmediate(done));
  expect(states.at(-1)).toBe('open');
  timers.fireNext();
  // The machine slept: nothing comes.
  expect(timers.fireNext()).toBe(5000);
  await new Promise((done) => setImmediate(done));
  expect(states.at(-1)).toBe('retrying');
  timers.fireNext();
  await new Promise((done) => setImmediate(done));
  expect(transport.events).not.toBe(first);
  transport.events?.open();
  expect(states.at(-1)).toBe('open');
});
