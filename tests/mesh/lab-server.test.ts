import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type LabServer, startLabServer } from '#api';
import type { ApplyView, ExplanationView, LabState, Method, MomentView, RequestView, ServerEvent } from '#contract';
import { seededRandom } from '#domain';
import { openLearnerStore } from '#learners';
import { systemClock } from '../../server/system.ts';
import { root } from '../support/lab-runner.ts';

const WAIT_MS = 20_000;
let server: LabServer;
const disk = { full: false };

beforeAll(async () => {
  const clock = systemClock();
  const store = openLearnerStore({ file: ':memory:', nowMs: () => clock.now() });
  server = await startLabServer({
    root,
    host: '127.0.0.1',
    port: 0,
    clock,
    random: seededRandom(`lab-server-test/${process.pid}/${clock.now()}`),
    store: {
      ...store,
      save: (...state) => {
        if (disk.full) throw new Error('database or disk is full');
        store.save(...state);
      },
    },
    onLog: () => undefined,
  });
});
afterAll(() => server.stop());

interface Session {
  readonly cookie: string;
  readonly token: string;
}

async function newLearner(): Promise<Session> {
  const response = await fetch(`${server.url}api/session`);
  const { token } = (await response.json()) as { token: string };
  return { token, cookie: (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}

const streamUrl = (token: string): string => `${server.url.replace('http', 'ws')}api/stream?token=${token}`;

function askApi({ cookie, token }: Session, method: 'POST' | 'DELETE', path: string): Promise<Response> {
  return fetch(`${server.url}api/${path}`, {
    method,
    headers: { origin: server.url.replace(/\/$/, ''), cookie, 'x-meshwork-token': token },
  });
}

async function keptLabs(session: Session): Promise<string[]> {
  const { labs } = (await (await askApi(session, 'POST', 'labs')).json()) as { labs: { lab: string }[] };
  return labs.map(({ lab }) => lab);
}

/** A page without a browser: speaks the contract over one WebSocket. */
class Page {
  readonly events: ServerEvent[] = [];
  readonly #socket: WebSocket;
  readonly #answers = new Map<
    number,
    (message: { result?: unknown; error?: { code: string; message: string } }) => void
  >();
  readonly #watchers = new Set<() => void>();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      const message = JSON.parse(data.toString()) as {
        id?: number;
        event?: ServerEvent;
        result?: unknown;
        error?: { code: string; message: string };
      };
      if (message.event) this.events.push(message.event);
      else if (message.id !== undefined) this.#answers.get(message.id)?.(message);
      for (const watch of this.#watchers) watch();
    });
  }

  static open(session: Session): Promise<Page> {
    const socket = new WebSocket(streamUrl(session.token), {
      origin: server.url.replace(/\/$/, ''),
      headers: { cookie: session.cookie },
    });
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(new Page(socket)));
      socket.once('error', reject);
    });
  }

  ask<Result>(method: Method, params: object): Promise<Result> {
    const id = this.#next++;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => {
      this.#answers.set(id, ({ result, error }) =>
        error ? reject(new Error(`${error.code}: ${error.message}`)) : resolve(result as Result),
      );
    });
  }

  until(met: (event: ServerEvent) => boolean, from = 0): Promise<ServerEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the event did not come')), WAIT_MS);
      const look = (): void => {
        const found = this.events.slice(from).find(met);
        if (!found) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve(found);
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Sends a frame as it is; the code with which the server closes. */
  sendRaw(data: string | Buffer): Promise<number> {
    return new Promise((resolve) => {
      this.#socket.once('close', resolve);
      this.#socket.send(data, { binary: typeof data !== 'string' });
    });
  }

  close(): void {
    this.#socket.close();
  }
}

function refusal(token: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(streamUrl(token), { headers });
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.once('open', () => resolve(101));
    socket.on('error', () => undefined);
  });
}

/** Status of a GET with a Host header of one's own choice, which `fetch` would not send. */
function statusFor(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${server.url}api/health`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', reject).end();
  });
}

/** The sandbox processes of this server. */
const childPids = (): number[] =>
  readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('sandbox-main.ts'));

const file = (name: string, minutes: number): { file: string; text: string } => ({
  file: `${name}.yaml`,
  text: `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: ${name} }\nspec:\n  hosts: [reviews]\n  http:\n    - timeout: ${minutes}m\n      route: [{ destination: { host: reviews } }]\n`,
});

describe('the lab server', () => {
  it('answers only to its own host names', async () => {
    expect(await statusFor('rebound.example:80')).toBe(421);
    expect(await statusFor(new URL(server.url).host)).toBe(200);
    const { home } = await (await fetch(`${server.url}api/session`)).json();
    expect(`${home}/`).toBe(server.url);
  });

  it('opens its stream to its own pages only', async () => {
    const { cookie, token } = await newLearner();
    const origin = server.url.replace(/\/$/, '');
    expect(await refusal(token, { cookie, origin: 'http://other.example' })).toBe(403);
    expect(await refusal(token, { cookie })).toBe(403);
    expect(await refusal(token, { origin })).toBe(403);
    expect(await refusal('forged', { cookie, origin })).toBe(403);
    const other = await newLearner();
    expect(await refusal(other.token, { cookie, origin })).toBe(403);
    expect(await refusal(token, { cookie, origin })).toBe(101);
  });

  it('refuses a message that is not of the contract, and serves on', async () => {
    const page = await Page.open(await newLearner());
    await expect(page.ask('lab.open', { lab: '../../etc' })).rejects.toThrow(/bad_request/);
    await expect(page.ask('lab.open', { lab: 'no-such-lab' })).rejects.toThrow(/There is no lab "no-such-lab"/);
    page.close();
  });

  it('ends a page that sends what no page of ours sends, and nobody else’s', async () => {
    const session = await newLearner();
    const [honest, binary, broken, huge] = [
      await Page.open(session),
      await Page.open(session),
      await Page.open(session),
      await Page.open(session),
    ];
    expect(await binary.sendRaw(Buffer.from('{"id":1,"method":"stream.ping","params":{}}'))).toBe(1007);
    expect(await broken.sendRaw('{"id":1,')).toBe(1007);
    expect(await huge.sendRaw('x'.repeat(7 * 1_048_576))).toBe(1009);
    expect(await honest.ask('stream.ping', {})).toEqual({});
    honest.close();
  });

  it('shows a learner nothing of another, and heals a mesh that dies with its resources', async () => {
    const bensKeys = await newLearner();
    const [ann, ben] = [await Page.open(await newLearner()), await Page.open(bensKeys)];
    const before = childPids();
    await ann.ask<LabState>('lab.open', { lab: 'canary' });
    const [annPid = 0] = childPids().filter((pid) => !before.includes(pid));
    const bensState = await ben.ask<LabState>('lab.open', { lab: 'canary' });
    const rules = [file('anns-rule', 3), file('spare', 5)];
    const applied = await ann.ask<ApplyView>('yaml.apply', { files: rules });
    expect(applied.objects.map(({ outcome }) => outcome)).toEqual(['created', 'created']);
    await ann.until((event) => event.type === 'push');
    // A frame that is sent a second time makes nothing twice: no object, and no push.
    const replayed = await ann.ask<ApplyView>('yaml.apply', { files: rules });
    expect(replayed.objects.map(({ outcome }) => outcome)).toEqual(['unchanged', 'unchanged']);
    const pushOf = (number: number) => (event: ServerEvent) => event.type === 'push' && event.push.number === number;
    await ann.ask('terminal.run', { terminal: 't1', line: 'kubectl delete virtualservice spare' });
    await ann.until(pushOf(2));

    expect(JSON.stringify(await ben.ask<LabState>('lab.open', { lab: 'canary' }))).not.toContain('anns-rule');
    expect(bensState.sandbox.pods[0]?.ip.split('.')[1]).not.toBe(
      (await ann.ask<LabState>('lab.open', { lab: 'canary' })).sandbox.pods[0]?.ip.split('.')[1],
    );

    const then = await ann.ask<MomentView>('time.moment', { push: 1 });
    const sent = await ann.ask<RequestView>('request.send', {});
    // A decision that somebody opens is kept at once, with all that is known until then.
    const why = await ann.ask<ExplanationView>('request.explain', { request: sent.id });

    const from = ann.events.length;
    await ann.ask('files.save', { files: [file('anns-rule', 4), file('spare', 5)] });
    const saved = await ann.ask<LabState>('lab.open', { lab: 'canary' });
    expect(saved.files[0]?.text).toContain('4m');
    process.kill(annPid, 'SIGKILL');
    await ann.until((event) => event.type === 'sandbox' && event.sandbox.status === 'crashed', from);
    await ann.until((event) => event.type === 'sandbox' && event.sandbox.status === 'running', from);
    const healed = await ann.ask<LabState>('lab.open', { lab: 'canary' });
    expect(healed.applied).toEqual(rules);
    const dump = await ann.ask<{ routes: object[] }>('proxy.dump', {
      pod: healed.sandbox.pods.find((pod) => pod.service === 'frontend')?.name ?? '',
      namespace: 'default',
    });
    expect(JSON.stringify(dump.routes)).toContain('"timeout":"180s"');
    // A link to the push, and one to the request, lead to the same thing; the next push goes on counting.
    expect(healed.pushes.map(({ number, title }) => [number, title])).toEqual([
      [1, 'anns-rule, spare'],
      [2, 'kubectl delete virtualservice spare'],
    ]);
    expect(await ann.ask('request.explain', { request: sent.id })).toEqual(why);
    // A decision of the mesh that came back is led to the lab's own files as well.
    const later = await ann.ask<RequestView>('request.send', {});
    const led = (view: ExplanationView): Set<string> =>
      new Set(view.hops.flatMap((hop) => hop.steps.flatMap(({ location }) => location?.file ?? [])));
    expect(led(await ann.ask('request.explain', { request: later.id }))).toEqual(led(why));
    const again = await ann.ask<MomentView>('time.moment', { push: 1 });
    expect(again).toMatchObject({ push: 1, title: 'anns-rule, spare', atMs: then.atMs, files: then.files });
    expect(again.changed).toEqual(then.changed);
    expect(again.mesh).toEqual(then.mesh);
    // What the terminal did to the applied objects is as it was, and Undo goes on where it stood.
    const gone = async (push: number) =>
      (await ann.ask<MomentView>('time.moment', { push })).changed
        .map(({ name, after }) => [name, after === undefined])
        .sort();
    expect((await ann.ask<ApplyView>('yaml.undo', {})).push).toMatchObject({ number: 3, title: 'undo' });
    expect(await gone(3)).toEqual([['spare', false]]);
    expect((await ann.ask<LabState>('lab.open', { lab: 'canary' })).files[0]?.text).toContain('4m');
    await ann.ask('yaml.undo', {});
    expect(await gone(4)).toEqual([
      ['anns-rule', true],
      ['spare', true],
    ]);
    expect((await ann.ask<LabState>('lab.open', { lab: 'canary' })).files[0]?.file).toBe('reviews.yaml');
    await expect(ann.ask('yaml.undo', {})).rejects.toThrow('nothing_to_undo');
    const back = await ann.ask<ApplyView>('time.restore', { push: 1 });
    expect(back.push).toMatchObject({ number: 5, title: 'back to push 1' });
    expect(await gone(5)).toEqual([
      ['anns-rule', false],
      ['spare', false],
    ]);
    expect(ben.events.some((event) => event.type === 'sandbox' && event.sandbox.status === 'crashed')).toBe(false);
    // A disk without room ends nobody: the page is told, once, and the mesh answers on.
    disk.full = true;
    for (const minutes of [1, 2]) await ben.ask('files.save', { files: [file('bens-rule', minutes)] });
    await ben.until((event) => event.type === 'unkept');
    expect((await ben.ask<LabState>('lab.open', { lab: 'canary' })).files[0]?.text).toContain('2m');
    expect(ben.events.filter(({ type }) => type === 'unkept')).toHaveLength(1);
    disk.full = false;

    // Erased while the mesh runs: it is ended first, its page is told, and nothing of it is kept again.
    await ben.ask('files.save', { files: [file('bens-rule', 3)] });
    await expect.poll(() => keptLabs(bensKeys)).toEqual(['canary']);
    expect((await askApi(bensKeys, 'DELETE', 'log')).status).toBe(200);
    await ben.until((event) => event.type === 'replaced');
    await expect(ben.ask('lab.open', { lab: 'canary' })).rejects.toThrow('sandbox_ended');
    expect(await keptLabs(bensKeys)).toEqual([]);
    ann.close();
    ben.close();
  }, 120_000);
});
