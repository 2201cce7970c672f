import { loadDeck } from './deck.ts';
import { openLogStore } from './log-store.ts';
import { buildQueue } from './queue.ts';
import { createScheduler, foldLog, intervalWords, recall } from './schedule.ts';

/** How many cards wait now: due, and new ones that today still allows. */
export async function deckCounts(): Promise<{ due: number; fresh: number }> {
  const [deck, store] = await Promise.all([loadDeck(), openLogStore()]);
  const { due, fresh } = buildQueue({ deck, log: await store.all(), nowMs: Date.now(), scheduler: createScheduler() });
  return { due, fresh };
}

export interface TermMemory {
  /** Mean probability of recall over the cards that were seen, 0 to 1. */
  readonly recall: number;
  readonly seen: number;
  readonly next: string;
}

/** What is remembered of one term; undefined when none of its cards was seen. */
export async function termMemory(slug: string): Promise<TermMemory | undefined> {
  const store = await openLogStore();
  const scheduler = createScheduler();
  const nowMs = Date.now();
  const memories = [...foldLog(await store.all(), scheduler)]
    .filter(([card]) => card.startsWith(`${slug}:`))
    .map(([, memory]) => memory);
  if (memories.length === 0) return undefined;
  const soonest = Math.min(...memories.map(({ due }) => due.getTime()));
  return {
    recall: memories.reduce((sum, memory) => sum + recall(memory, nowMs, scheduler), 0) / memories.length,
    seen: memories.length,
    next: soonest <= nowMs ? 'now' : `in ${intervalWords(soonest - nowMs)}`,
  };
}
