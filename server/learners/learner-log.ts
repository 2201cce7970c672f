import type { DatabaseSync } from 'node:sqlite';
import { type LogEntry, type LogExchangeResult, MAX_ENTRIES_PER_EXCHANGE } from '#contract';
import { MeshworkError } from '#domain';

/** The logs of all learners. Entries are added and read; only `erase` takes any away. */
export interface LearnerLog {
  /**
   * Joins the learner's log with `entries` by their ids (an id that is known stays as it is), then answers what came after the
   * entry numbered `after`. Throws `too_many` where the log would grow beyond its bound; nothing is added then.
   */
  exchange(learner: string, entries: readonly LogEntry[], after: number): LogExchangeResult;
  erase(learner: string): void;
}

/** Ten years of a hundred reviews a day. */
const MAX_ENTRIES_PER_LEARNER = 365_000;

export const learnerLogSchema = `
  CREATE TABLE IF NOT EXISTS learner_log (
    number INTEGER PRIMARY KEY AUTOINCREMENT, learner TEXT NOT NULL, id TEXT NOT NULL, entry TEXT NOT NULL,
    UNIQUE (learner, id)
  ) STRICT;
`;

export function createLearnerLog(database: DatabaseSync): LearnerLog {
  const add = database.prepare('INSERT OR IGNORE INTO learner_log (learner, id, entry) VALUES (?, ?, ?)');
  const count = database.prepare('SELECT count(*) AS entries FROM learner_log WHERE learner = ?');
  const since = database.prepare(
    'SELECT number, entry FROM learner_log WHERE learner = ? AND number > ? ORDER BY number LIMIT ?',
  );
  const erase = database.prepare('DELETE FROM learner_log WHERE learner = ?');

  const addAll = (learner: string, entries: readonly LogEntry[]): void => {
    const { entries: kept } = count.get(learner) as { entries: number };
    if (kept + entries.length > MAX_ENTRIES_PER_LEARNER)
      throw new MeshworkError('too_many', `A log keeps at most ${MAX_ENTRIES_PER_LEARNER} entries.`);
    database.exec('BEGIN IMMEDIATE');
    try {
      for (const entry of entries) add.run(learner, entry.id, JSON.stringify(entry));
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  };
  return {
    exchange: (learner, entries, after) => {
      if (entries.length > 0) addAll(learner, entries);
      const rows = since.all(learner, after, MAX_ENTRIES_PER_EXCHANGE + 1) as { number: number; entry: string }[];
      const sent = rows.slice(0, MAX_ENTRIES_PER_EXCHANGE);
      return {
        entries: sent.map(({ entry }) => JSON.parse(entry) as LogEntry),
        last: sent.at(-1)?.number ?? after,
        more: rows.length > sent.length,
      };
    },
    erase: (learner) => void erase.run(learner),
  };
}
