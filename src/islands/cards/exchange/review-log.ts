import type { LogEntry, ReviewEntry } from '#contract';
import { effectiveReviews } from '../schedule.ts';
import { restored, withoutFormula } from './csv.ts';
import { readRows, writeRow } from './delimited.ts';
import { type FileContent, ImportError } from './note.ts';

// The review log as FSRS tools read it: `card_id,review_time,review_rating,review_state,review_duration`, times in milliseconds.

/** Reviews of one file, at most. */
export const maxReviews = 300_000;

const columns = ['card_id', 'review_time', 'review_rating', 'review_state', 'review_duration'] as const;

export function writeReviewLog(log: readonly LogEntry[]): string {
  const rows = effectiveReviews(log).map(({ card, atMs, rating, before, durationMs }) =>
    writeRow(
      [withoutFormula(card), String(atMs), String(rating), String(before.state), String(Math.round(durationMs))],
      ',',
    ),
  );
  return `${[columns.join(','), ...rows].join('\r\n')}\r\n`;
}

/** Reviews of a log; each has an id made of card and time, so that reading a file twice adds nothing. */
export function readReviewLog(text: string): FileContent {
  const [head = [], ...rows] = readRows(text.replace(/^\uFEFF/, ''), ',', maxReviews + 2);
  if (rows.length > maxReviews) throw new ImportError(`The file has more than ${maxReviews} reviews.`);
  const place = Object.fromEntries(columns.map((name) => [name, head.indexOf(name)]));
  if (columns.slice(0, 3).some((name) => place[name] === -1))
    throw new ImportError('The first row must name card_id, review_time and review_rating.');
  const entries: ReviewEntry[] = [];
  const refused: { where: string; reason: string }[] = [];
  for (const [index, row] of rows.entries()) {
    const cell = (name: (typeof columns)[number]) => row[place[name] ?? -1] ?? '';
    const entry = reviewEntry(restored(cell('card_id')), Number(cell('review_time')), Number(cell('review_rating')), {
      state: Number(cell('review_state') || 0),
      durationMs: Number(cell('review_duration') || 0),
    });
    if (typeof entry === 'string') refused.push({ where: `row ${index + 2}`, reason: entry });
    else entries.push(entry);
  }
  return { notes: [], entries, refused };
}

/** A review that another program recorded, or the reason why it cannot be one. */
export function reviewEntry(
  card: string,
  atMs: number,
  rating: number,
  more: { readonly state: number; readonly durationMs: number },
): ReviewEntry | string {
  if (card === '' || card.length > 100) return 'The card has no usable id.';
  if (!Number.isInteger(atMs) || atMs <= 0 || atMs > 4_102_444_800_000) return 'The time is not in milliseconds.';
  if (rating !== 1 && rating !== 2 && rating !== 3 && rating !== 4) return 'The grade is not 1, 2, 3 or 4.';
  const state = [0, 1, 2, 3].includes(more.state) ? more.state : 2;
  const durationMs = Number.isFinite(more.durationMs) ? Math.min(Math.max(0, more.durationMs), 86_400_000) : 0;
  return {
    kind: 'review',
    id: `import:${card}@${atMs}`.slice(0, 80),
    card,
    atMs,
    rating,
    durationMs,
    zone: 'UTC',
    before: { state, stability: 0, difficulty: 0 },
    scheduledDays: 0,
  };
}
