import type { LogExchange, LogExchangeResult } from '#contract';
import type { LogStore } from './log-store.ts';

/** The lab server, as far as logs go. */
export interface LogServer {
  /** Stands for the learner that this browser is to the server; it changes when the browser joins another. */
  readonly learner: string;
  exchange(body: LogExchange): Promise<LogExchangeResult>;
}

export interface SyncResult {
  /** Entries that came from the server and are new here. */
  readonly received: number;
  readonly sent: number;
}

const entriesAtOnce = 2_000;

/**
 * Joins this browser's log with the server's by union. Nothing is lost when it stops half-way: an entry counts as sent only after
 * the server's answer, and sending it twice changes nothing.
 */
export async function syncLog(store: LogStore, server: LogServer): Promise<SyncResult> {
  if ((await store.mark('learner')) !== server.learner) {
    await store.sendAllAgain();
    await store.setMark('after', 0);
    await store.setMark('learner', server.learner);
  }
  const result = { received: 0, sent: 0 };
  for (;;) {
    const entries = await store.unsent(entriesAtOnce);
    const answer = await server.exchange({ after: Number((await store.mark('after')) ?? 0), entries });
    result.received += (await store.add(answer.entries, 'server')).length;
    result.sent += entries.length;
    await store.sent(entries.map(({ id }) => id));
    await store.setMark('after', answer.last);
    if (!answer.more && entries.length < entriesAtOnce) return result;
  }
}
