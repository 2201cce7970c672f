import type { LogEntry, OwnCard } from '#contract';
import type { Card } from '../../../course/cards.ts';
import { contentOf } from '../library.ts';

/** A card between two programs: plain text, a gap of the question as `[the word]`. */
export interface Note extends OwnCard {
  /** The same for the same card in every export: a card's id here, the GUID in Anki. Empty where a format has none. */
  readonly key: string;
}

/** What a file holds, and what of it cannot be used. */
export interface FileContent {
  readonly notes: readonly Note[];
  /** Reviews, and whatever else a log has. Entries that are known here already are left out when the logs are joined. */
  readonly entries: readonly LogEntry[];
  readonly refused: readonly { readonly where: string; readonly reason: string }[];
}

export const nothing: FileContent = { notes: [], entries: [], refused: [] };

/** A file that cannot be read at all, in words for the learner. */
export class ImportError extends Error {}

export const maxFileBytes = 20 * 1_048_576;
export const maxNotes = 20_000;
const maxFieldLetters = 4_000;
/** Letters of a field as a file has it: markup and pictures in it count. */
export const maxRawLetters = 200_000;
const maxTags = 12;

/** The card as a note; its term's day and its kind become tags. */
export function noteOf(card: Card): Note {
  const content = contentOf(card);
  const choices = card.choices ? `\n${card.choices.join(' · ')}` : '';
  const parts = card.parts ? `\n${card.parts.toSorted().join(' · ')}` : '';
  return {
    ...content,
    front: card.type === 'hear' ? `${card.ipa ?? ''} Which word is this?` : `${content.front}${choices}${parts}`,
    key: card.id,
    tags: card.type === 'own' ? content.tags : [`day-${card.day}`, card.type, card.slug],
  };
}

/** Checks the bounds of a note that came from a file: the reason why it is refused, or the note with its edges trimmed. */
export function checkNote(note: Note): Note | string {
  const trimmed = {
    ...note,
    key: note.key.slice(0, 100),
    front: clean(note.front),
    back: clean(note.back),
    ...(note.note === undefined ? {} : { note: clean(note.note) }),
    ...(note.code === undefined ? {} : { code: clean(note.code) }),
  };
  if (trimmed.front === '') return 'The question is empty.';
  if (trimmed.back === '') return 'The answer is empty.';
  for (const field of [trimmed.front, trimmed.back, trimmed.note ?? '', trimmed.code ?? ''])
    if (field.length > maxFieldLetters) return `A field has more than ${maxFieldLetters} letters.`;
  return {
    ...trimmed,
    tags: note.tags
      .map((tag) => clean(tag).slice(0, 60))
      .filter(Boolean)
      .slice(0, maxTags),
  };
}

/** A row of a file: where it stands, and its fields as the file has them. */
export interface RawRow {
  readonly where: string;
  readonly fields: readonly string[];
}

/** Makes notes of rows and sorts out those that cannot be used; throws `ImportError` where there are too many. */
export function checkNotes<Row extends RawRow>(rows: readonly Row[], noteOfRow: (row: Row) => Note): FileContent {
  if (rows.length > maxNotes) throw new ImportError(`The file has more than ${maxNotes} cards.`);
  const checked = rows.map((row) => {
    const tooLong = row.fields.some((field) => field.length > maxRawLetters);
    const result = tooLong ? `A field has more than ${maxFieldLetters} letters.` : checkNote(noteOfRow(row));
    return { where: row.where, result };
  });
  return {
    notes: checked.flatMap(({ result }) => (typeof result === 'string' ? [] : [result])),
    entries: [],
    refused: checked.flatMap(({ where, result }) => (typeof result === 'string' ? [{ where, reason: result }] : [])),
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out.
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g;

function clean(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(controls, '').trim();
}
