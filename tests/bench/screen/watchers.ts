import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Method, ServerMessage } from '#contract';

const PAGES_PER_LEARNER = 8;
const TICKS_PER_SECOND = 100;

export interface WatchersReport {
  readonly browsers: number;
  readonly meshes: number;
  /** Requests of all meshes that the pages were told of or counted, each second. */
  readonly eventsPerSecond: number;
  /** CPU of the lab server's own process, without the meshes, in percent of one core. */
  readonly serverCpuPercent: number;
}

interface Page {
  ask(method: Method, params: object): Promise<unknown>;
  /** Requests that this page was told of. */
  heard(): number;
  close(): void;
}

/** So many pages, eight to a learner's mesh, watch what the meshes do together; what does it cost the lab server? */
export async function measureWatchers(
  lab: { url: string; pid: number },
  how: { browsers: number; perSecond: number; seconds: number },
): Promise<WatchersReport> {
  const meshes = Math.ceil(how.browsers / PAGES_PER_LEARNER);
  const pages: Page[] = [];
  const firsts: Page[] = [];
  try {
    for (let learner = 0; learner < meshes; learner++) {
      const session = await enrol(lab.url);
      const own = Math.min(PAGES_PER_LEARNER, how.browsers - pages.length);
      const opened = await Promise.all(Array.from({ length: own }, () => openPage(lab.url, session)));
      pages.push(...opened);
      const [first] = opened;
      if (!first) continue;
      firsts.push(first);
      await first.ask('lab.open', { lab: 'canary' });
      await first.ask('traffic.set', { traffic: 'readers', running: true, rps: how.perSecond / meshes });
    }
    await delay(2000);
    const [cpu, heard] = [cpuSeconds(lab.pid), sum(firsts)];
    await delay(how.seconds * 1000);
    return {
      browsers: pages.length,
      meshes,
      eventsPerSecond: (sum(firsts) - heard) / how.seconds,
      serverCpuPercent: ((cpuSeconds(lab.pid) - cpu) / how.seconds) * 100,
    };
  } finally {
    for (const page of pages) page.close();
  }
}

const sum = (pages: readonly Page[]): number => pages.reduce((total, page) => total + page.heard(), 0);

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

interface Session {
  readonly cookie: string;
  readonly token: string;
}

async function enrol(url: string): Promise<Session> {
  const response = await fetch(`${url}/api/session`);
  const { token } = (await response.json()) as { token: string };
  return { token, cookie: (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}

function openPage(url: string, { token, cookie }: Session): Promise<Page> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/stream?token=${token}`, {
    origin: url,
    headers: { cookie },
  });
  const answers = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let next = 1;
  let heard = 0;
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString()) as ServerMessage;
    if ('event' in message) {
      if (message.event.type === 'requests') heard += message.event.requests.length + message.event.dropped;
      return;
    }
    const answer = answers.get(message.id);
    if ('error' in message) answer?.reject(new Error(message.error.message));
    else answer?.resolve(message.result);
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () =>
      resolve({
        ask: (method, params) =>
          new Promise((done, fail) => {
            const id = next++;
            answers.set(id, { resolve: done, reject: fail });
            socket.send(JSON.stringify({ id, method, params }));
          }),
        heard: () => heard,
        close: () => socket.close(),
      }),
    );
  });
}
