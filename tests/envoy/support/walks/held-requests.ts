import { type ClientRequest, request as httpRequest } from 'node:http';
import type { PairCase } from '../pairs/case-file.ts';
import { OWN, readFigures } from '../pairs/figures.ts';
import type { LogEntry } from '../pairs/log-entry.ts';
import { waitFor } from '../wait.ts';
import type { HoldingHost } from './holding-host.ts';
import type { WalkedProxy } from './walked-proxies.ts';

const WAIT_MS = 30_000;
/** Looks in a row that show the same. */
const QUIET_LOOKS = 4;
/** Each request has a connection of its own, which says that it is the last; the others stand in the table of accepted differences. */
const UNLIKE = /\.downstream_cx_|http2\.(goaway_sent|tx_reset)|upstream_cx_protocol_error/;

/** One thing that happens: a request comes, or one that came ends. */
export type HeldMove =
  | { readonly begins: number; readonly path: string }
  | { readonly ends: number; readonly by: number | 'reset' | 'client' };

/** A case and what happens to it. */
export interface HeldWalk {
  readonly given: PairCase;
  readonly moves: readonly HeldMove[];
}

const FIGURES = `/stats?usedonly&filter=${encodeURIComponent('^(cluster|http)[.][a-z][0-9]')}`;

/** The requests of one side: those under way, and how the others ended. */
export class HeldRequests {
  readonly #side: WalkedProxy;
  readonly #hosts: readonly HoldingHost[];
  readonly #underWay = new Map<string, ClientRequest>();
  readonly ended = new Map<string, string>();

  constructor(side: WalkedProxy, hosts: readonly HoldingHost[]) {
    this.#side = side;
    this.#hosts = hosts;
  }

  idOf(each: HeldWalk, which: number): string {
    return `${this.#side.name}/${each.given.name}/${which}`;
  }

  make(each: HeldWalk, move: HeldMove): void {
    if ('begins' in move) {
      this.#begin(this.idOf(each, move.begins), each, move.path);
      return;
    }
    const id = this.idOf(each, move.ends);
    if (move.by === 'client') this.#underWay.get(id)?.destroy();
    else for (const host of this.#hosts) host.end(id, move.by);
  }

  #begin(id: string, { given }: HeldWalk, path: string): void {
    const { ip: host } = this.#side;
    const sent = httpRequest({ host, port: this.#side.portOf(given), path, agent: false, headers: { 'x-id': id } });
    this.#underWay.set(id, sent);
    const end = (how: string): void => {
      if (!this.ended.has(id)) this.ended.set(id, how);
      this.#underWay.delete(id);
    };
    sent.on('error', () => end('broken'));
    sent.on('response', (answer) => {
      let body = '';
      answer.on('data', (bytes) => {
        body += bytes;
      });
      answer.on('end', () => end(`${answer.statusCode} ${answer.headers['x-envoy-overloaded'] ?? ''} ${body}`));
      answer.on('error', () => end('broken'));
    });
    sent.end();
  }

  /** How often the request has come to a host. */
  triesOf(id: string): number {
    return Math.max(...this.#hosts.map((host) => host.tries(id)));
  }

  leave(): void {
    for (const request of this.#underWay.values()) request.destroy();
  }
}

/** What each case shows once nothing moves any more. */
export async function settled(
  side: WalkedProxy,
  requests: HeldRequests,
  walks: readonly HeldWalk[],
): Promise<object[]> {
  let last = '';
  let same = 0;
  const figures = await waitFor(`${side.name} is quiet`, WAIT_MS, async () => {
    const found = readFigures(await side.admin(FIGURES));
    const text = JSON.stringify([[...found], side.logLines().length, requests.ended.size]);
    same = text === last ? same + 1 : 0;
    last = text;
    return same >= QUIET_LOOKS ? found : undefined;
  });
  const own = [...figures].filter(([key, value]) => value !== 0 && !OWN.test(key) && !UNLIKE.test(key)).sort();
  const byCase = Map.groupBy(own, ([key]) => key.split('.')[1]);
  const entries = Map.groupBy(
    side.logLines().flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogEntry] : [])),
    ({ listener }) => listener,
  );
  return walks.map((each) => {
    const asked = each.moves.flatMap((move) => ('begins' in move ? [requests.idOf(each, move.begins)] : []));
    return {
      figures: Object.fromEntries(byCase.get(each.given.name) ?? []),
      tries: asked.map((id) => requests.triesOf(id)),
      ended: asked.map((id) => requests.ended.get(id) ?? ''),
      log: (entries.get(side.portOf(each.given)) ?? [])
        .map(({ flags, details, status, attempts }) => `${flags} ${details} ${status} ${attempts}`)
        .sort(),
    };
  });
}
