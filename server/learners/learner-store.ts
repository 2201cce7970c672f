import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MeshworkError } from '#domain';
import { createLearnerLog, type LearnerLog, learnerLogSchema } from './learner-log.ts';

/** What is kept of each learner between starts of the lab server: an opaque state per lab. */
export interface LearnerStore {
  /** Signs cookies and tokens; made once, kept in the database. */
  secret(): Buffer;
  load<State>(learner: string, lab: string): State | undefined;
  save(learner: string, lab: string, state: unknown): void;
  /** The log of what this learner did with cards, drills and exercises. */
  readonly log: LearnerLog;
  /** Forgets all that is kept of a learner. */
  /** What is kept of each of a learner's labs. */
  labs(learner: string): readonly { readonly lab: string; readonly state: unknown }[];
  erase(learner: string): void;
  close(): void;
}

const MAX_STATE_BYTES = 8 * 1_048_576;

const schema = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS secret (id INTEGER PRIMARY KEY CHECK (id = 1), bytes BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS lab_state (
    learner TEXT NOT NULL, lab TEXT NOT NULL, state TEXT NOT NULL, updated INTEGER NOT NULL,
    PRIMARY KEY (learner, lab)
  ) STRICT;
  ${learnerLogSchema}
`;

/** Opens (or makes) the database; `:memory:` keeps nothing. */
export function openLearnerStore(options: { readonly file: string; readonly nowMs: () => number }): LearnerStore {
  const database = open(options.file);
  const read = database.prepare('SELECT state FROM lab_state WHERE learner = ? AND lab = ?');
  const write = database.prepare(
    'INSERT INTO lab_state (learner, lab, state, updated) VALUES (?, ?, ?, ?) ' +
      'ON CONFLICT (learner, lab) DO UPDATE SET state = excluded.state, updated = excluded.updated',
  );
  const readLabs = database.prepare('SELECT lab, state FROM lab_state WHERE learner = ? ORDER BY lab');
  const eraseLabs = database.prepare('DELETE FROM lab_state WHERE learner = ?');
  const log = createLearnerLog(database);
  database.prepare('INSERT OR IGNORE INTO secret (id, bytes) VALUES (1, ?)').run(randomBytes(32));
  const secretRow = database.prepare('SELECT bytes FROM secret WHERE id = 1').get() as { bytes: Uint8Array };
  return {
    secret: () => Buffer.from(secretRow.bytes),
    load: <State>(learner: string, lab: string) => {
      const row = read.get(learner, lab) as { state: string } | undefined;
      return row === undefined ? undefined : (JSON.parse(row.state) as State);
    },
    save: (learner, lab, state) => {
      const text = JSON.stringify(state);
      if (text.length <= MAX_STATE_BYTES) write.run(learner, lab, text, options.nowMs());
    },
    log,
    labs: (learner) =>
      (readLabs.all(learner) as { lab: string; state: string }[]).map(({ lab, state }) => ({
        lab,
        state: JSON.parse(state) as unknown,
      })),
    erase: (learner) => {
      eraseLabs.run(learner);
      log.erase(learner);
    },
    close: () => database.close(),
  };
}

function open(file: string): DatabaseSync {
  try {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
    const database = new DatabaseSync(file);
    database.exec(schema);
    return database;
  } catch (cause) {
    throw new MeshworkError(
      'database_failed',
      `The learners' database ${file} cannot be opened. Make its folder writable, or move a damaged file away.`,
      { cause },
    );
  }
}
