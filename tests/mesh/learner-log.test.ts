import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LabServer, startLabServer } from '#api';
import { type LogEntry, type LogExchangeResult, MAX_ENTRIES_PER_EXCHANGE } from '#contract';
import { seededRandom } from '#domain';
import { type LearnerStore, openLearnerStore } from '#learners';
import { systemClock } from '../../server/system.ts';
import { root } from '../support/lab-runner.ts';

let server: LabServer;
let store: LearnerStore;
let nowMs = Date.UTC(2026, 2, 2, 10);

beforeAll(async () => {
  const clock = { ...systemClock(), now: () => nowMs };
  store = openLearnerStore({ file: ':memory:', nowMs: () => nowMs });
  server = await startLabServer({
    root,
    host: '127.0.0.1',
    port: 0,
    clock,
    random: seededRandom(`learner-log-test/${process.pid}`),
    store,
    onLog: () => undefined,
  });
});
afterAll(() => server.stop());

interface Browser {
  cookie: string;
  token: string;
}

async function newBrowser(): Promise<Browser> {
  const response = await fetch(`${server.url}api/session`);
  const { token } = (await response.json()) as { token: string };
  return { token, cookie: cookieOf(response) };
}

function cookieOf(response: Response): string {
  return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

function ask(browser: Browser, path: string, body: object, init: RequestInit = {}): Promise<Response> {
  return fetch(`${server.url}api/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    ...init,
    headers: {
      origin: server.url.replace(/\/$/, ''),
      cookie: browser.cookie,
      'x-meshwork-token': browser.token,
      'content-type': 'application/json',
      ...init.headers,
    },
  });
}

async function exchange(browser: Browser, entries: readonly LogEntry[], after = 0): Promise<LogExchangeResult> {
  const response = await ask(browser, 'log', { entries, after });
  expect(response.status).toBe(200);
  return (await response.json()) as LogExchangeResult;
}

function review(id: string, card = 'pod:meaning'): LogEntry {
  return {
    kind: 'review',
    id,
    card,
    atMs: nowMs,
    rating: 3,
    durationMs: 4_000,
    zone: 'Europe/Berlin',
    before: { state: 0, stability: 0, difficulty: 0 },
    scheduledDays: 0,
  };
}

describe('the log of a learner on the server', () => {
  it('joins two browsers of one learner, whatever each of them did while it was alone', async () => {
    const first = await newBrowser();
    const second = { ...first };
    await exchange(first, [review('a'), review('b')]);
    const seen = await exchange(second, [review('c'), review('a')]);
    expect(seen.entries.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    const later = await exchange(first, [], 2);
    expect(later).toMatchObject({ entries: [{ id: 'c' }], more: false });
    expect((await exchange(first, [], later.last)).entries).toEqual([]);
  });

  it('keeps an entry as it first came: an id is never written over', async () => {
    const browser = await newBrowser();
    await exchange(browser, [review('a')]);
    const { entries } = await exchange(browser, [review('a', 'pod:say')]);
    expect(entries).toEqual([review('a')]);
  });

  it('answers a long log in parts', async () => {
    const browser = await newBrowser();
    const part = (from: number) =>
      Array.from({ length: MAX_ENTRIES_PER_EXCHANGE }, (_, index) => review(`r${from + index}`));
    await exchange(browser, part(0));
    const second = await exchange(browser, [review('last')]);
    expect([second.entries.length, second.more]).toEqual([MAX_ENTRIES_PER_EXCHANGE, true]);
    const rest = await exchange(browser, [], second.last);
    expect([rest.entries.map(({ id }) => id), rest.more]).toEqual([['last'], false]);
  });

  it('shows nobody the log of another', async () => {
    await exchange(await newBrowser(), [review('a')]);
    expect((await exchange(await newBrowser(), [])).entries).toEqual([]);
  });

  it('erases everything when it is asked to', async () => {
    const browser = await newBrowser();
    const [learner = ''] = browser.cookie.replace('meshwork_learner=', '').split('.');
    const files = [{ file: 'routes.yaml', text: 'kind: VirtualService' }];
    await exchange(browser, [review('a')]);
    store.save(learner, 'canary', { lab: 'canary', files, met: ['share'] });
    const labs = async () => (await ask(browser, 'labs', {})).json();
    expect(await labs()).toEqual({ labs: [{ lab: 'canary', files }] });
    expect((await ask(browser, 'log', {}, { method: 'DELETE', body: null })).status).toBe(200);
    expect((await exchange(browser, [])).entries).toEqual([]);
    expect(await labs()).toEqual({ labs: [] });
  });

  it.each([
    ['without a cookie', { cookie: '' }],
    ['with a forged cookie', { cookie: `meshwork_learner=${'0'.repeat(32)}.AAAA` }],
    ['with a token of nobody', { 'x-meshwork-token': 'forged' }],
    ['from a page of another site', { origin: 'http://evil.example' }],
    ['as a cross-site request', { 'sec-fetch-site': 'cross-site' }],
  ])('refuses to answer %s', async (_, headers) => {
    const browser = await newBrowser();
    const response = await ask(browser, 'log', { entries: [], after: 0 }, { headers });
    expect([response.status, await response.json()]).toEqual([
      403,
      { error: expect.objectContaining({ code: 'forbidden' }) },
    ]);
  });

  it.each([
    ['an entry of a kind that is unknown', { after: 0, entries: [{ kind: 'exec', id: 'x', atMs: 1 }] }],
    ['a grade that is none', { after: 0, entries: [{ ...review('a'), rating: 9 }] }],
    ['an id of 1,000 letters', { after: 0, entries: [{ ...review('a'), id: 'a'.repeat(1_000) }] }],
    ['a negative number', { after: -1, entries: [] }],
    ['no list', { after: 0, entries: 'all' }],
  ])('refuses %s and keeps nothing of it', async (_, body) => {
    const browser = await newBrowser();
    const response = await ask(browser, 'log', body);
    expect([response.status, (await response.json()).error.code]).toEqual([400, 'bad_request']);
    expect((await exchange(browser, [])).entries).toEqual([]);
  });

  it('refuses a body of more than 4 MB', async () => {
    const response = await ask(await newBrowser(), 'log', { after: 0, entries: [], pad: 'x'.repeat(5_000_000) });
    expect(response.status).toBe(413);
  });
});

describe('a code that joins a second browser', () => {
  it('makes the second browser the same learner, once', async () => {
    const first = await newBrowser();
    const second = await newBrowser();
    await exchange(first, [review('a')]);
    const { code } = (await (await ask(first, 'link', {})).json()) as { code: string };
    expect(code).toMatch(/^[A-HJ-NP-Z2-9]{8}$/);
    const joined = await ask(second, 'link/join', { code: `${code.slice(0, 4).toLowerCase()}-${code.slice(4)}` });
    const linked: Browser = { cookie: cookieOf(joined), token: ((await joined.json()) as { token: string }).token };
    expect((await exchange(linked, [])).entries.map(({ id }) => id)).toEqual(['a']);
    expect((await ask(second, 'link/join', { code })).status).toBe(404);
  });

  it('is worth nothing after ten minutes', async () => {
    const first = await newBrowser();
    const { code } = (await (await ask(first, 'link', {})).json()) as { code: string };
    nowMs += 10 * 60_000;
    expect((await ask(await newBrowser(), 'link/join', { code })).status).toBe(404);
  });

  it('cannot be guessed: a hundred wrong codes end the guessing for ten minutes', async () => {
    const browser = await newBrowser();
    for (let index = 0; index < 110; index++) await ask(browser, 'link/join', { code: `WRONG${index}` });
    const { code } = (await (await ask(browser, 'link', {})).json()) as { code: string };
    const refused = await ask(await newBrowser(), 'link/join', { code });
    expect([refused.status, (await refused.json()).error.code]).toEqual([400, 'too_many']);
    nowMs += 10 * 60_000;
    const fresh = (await (await ask(browser, 'link', {})).json()) as { code: string };
    expect((await ask(await newBrowser(), 'link/join', { code: fresh.code })).status).toBe(200);
  });
});
