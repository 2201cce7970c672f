import type { LogEntry, OwnCard } from '#contract';
import type { Card } from '../../../course/cards.ts';
import { contentOf, type Library } from '../library.ts';
import { dayMs } from '../queue.ts';
import type { NewEntry } from '../use-log.ts';
import { ankiNoteOf, noteOfAnki } from './anki-text.ts';
import { type FileContent, type Note, noteOf } from './note.ts';

/** What to do with a card that is here already and differs. */
export type Duplicates = 'keep mine' | 'take theirs';

export interface ImportPlan {
  readonly fresh: readonly Planned[];
  /** Here already, in other words. */
  readonly changed: readonly Planned[];
  readonly same: number;
  /** Reviews and other entries of the file that this log does not have. */
  readonly entries: readonly LogEntry[];
  /** How many of them take something back: a grade, a card's memory, a card of one's own, a card's turn. */
  readonly takingBack: number;
  readonly refused: FileContent['refused'];
}

export interface Planned {
  /** The id of the card here. */
  readonly card: string;
  readonly note: Note;
}

/**
 * Compares a file with the library. A card is the same card when its key is; where a file has no keys, when its question is.
 * Reviews follow their card to its id here. What a file dates into the future is refused: it would outlast all that is done until then.
 */
export function planImport(
  content: FileContent,
  library: Library,
  log: readonly LogEntry[],
  nowMs = Date.now(),
): ImportPlan {
  const byId = new Map(library.cards.map((card) => [card.id, card]));
  const byFront = new Map(library.cards.map((card) => [plainFront(contentOf(card).front), card.id]));
  const fresh = new Map<string, Planned>();
  const changed: Planned[] = [];
  const ids = new Map<string, string>();
  let same = 0;
  for (const note of content.notes) {
    const found = byId.has(note.key)
      ? note.key
      : byId.has(ownId(note))
        ? ownId(note)
        : byFront.get(plainFront(note.front));
    const card = found ?? ownId(note);
    if (note.key) ids.set(note.key, card);
    const mine = found === undefined ? undefined : byId.get(found);
    if (!mine) fresh.set(card, { card, note });
    else if (formsOf(mine).some((form) => sameCard(note, form))) same++;
    else changed.push({ card, note });
  }
  const known = new Set(log.map(({ id }) => id));
  const reviewed = new Set(log.flatMap((entry) => (entry.kind === 'review' ? [`${entry.card}@${entry.atMs}`] : [])));
  const entries = content.entries
    .map((entry) => (entry.kind === 'review' ? { ...entry, card: ids.get(entry.card) ?? entry.card } : entry))
    .filter(
      (entry) => !known.has(entry.id) && !(entry.kind === 'review' && reviewed.has(`${entry.card}@${entry.atMs}`)),
    );
  const future = entries.filter(({ atMs }) => atMs > nowMs + dayMs);
  const refused =
    future.length > 0
      ? [
          { where: `${future.length} ${future.length === 1 ? 'entry' : 'entries'}`, reason: 'Dated in the future.' },
          ...content.refused,
        ]
      : content.refused;
  const present = entries.filter(({ atMs }) => atMs <= nowMs + dayMs);
  return {
    fresh: [...fresh.values()],
    changed,
    same,
    entries: present,
    takingBack: present.filter(takesBack).length,
    refused,
  };
}

function takesBack(entry: LogEntry): boolean {
  if (entry.kind === 'card') return entry.content === null;
  return entry.kind === 'undo' || entry.kind === 'forget' || (entry.kind === 'suspend' && entry.on);
}

/** The entries that carry out a plan, besides those of the file itself. */
export function entriesOf(plan: ImportPlan, duplicates: Duplicates): NewEntry[] {
  const cards = [...plan.fresh, ...(duplicates === 'take theirs' ? plan.changed : [])];
  return cards.map(({ card, note: { key: _, ...content } }) => ({ kind: 'card', card, content: content as OwnCard }));
}

/** An id for a card that is not of this deck; the same whenever the same card comes again. */
function ownId(note: Note): string {
  if (note.key.startsWith('own:')) return note.key;
  return `own:${hash(note.key || plainFront(note.front))}`;
}

/** How a card may look when it comes back from a file that was written here. */
function formsOf(card: Card): Note[] {
  const anki = ankiNoteOf(card);
  return [noteOf(card), noteOfAnki({ key: card.id, fields: anki.fields, tags: [], html: true })];
}

function plainFront(front: string): string {
  return front.toLowerCase().replace(/\s+/g, ' ').trim();
}

function sameCard(a: Note, b: Note): boolean {
  const text = ({ front, back, note = '' }: Note) =>
    [front, back, note].map((part) => part.replace(/\s+/g, ' ').trim());
  return text(a).every((part, index) => part === text(b)[index]);
}

/** 53 bits of a text, in letters: enough to tell the cards of one learner apart. */
function hash(text: string): string {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0;
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return (4_294_967_296 * (2_097_151 & low) + (high >>> 0)).toString(36);
}
