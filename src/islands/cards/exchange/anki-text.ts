import type { Card } from '../../../course/cards.ts';
import { readRows, writeRow } from './delimited.ts';
import { htmlOfText, textOfHtml } from './html.ts';
import { checkNotes, type FileContent, ImportError, maxNotes, type Note, noteOf } from './note.ts';

// Anki's text format: lines of fields, and before them lines such as `#separator:tab` that say how to read them.

/** One note as Anki's two note types have it. */
export interface AnkiNote {
  readonly guid: string;
  readonly type: 'Basic' | 'Cloze';
  readonly deck: string;
  /** HTML. Basic: front and back. Cloze: text and what is shown below. */
  readonly fields: readonly [string, string];
  readonly tags: readonly string[];
}

const gapInText = /\[([^\][]+)\]/g;

export function ankiNoteOf(card: Card): AnkiNote {
  const note = noteOf(card);
  const gapInCode = card.code?.some(({ strong }) => strong) ?? false;
  const cloze = gapInCode || card.ask.some(({ strong }) => strong);
  const code = card.code
    ?.map(({ text, strong }) => (strong ? `{{c1::${htmlOfText(text)}}}` : htmlOfText(text)))
    .join('');
  const question = cloze
    ? htmlOfText(note.front).replace(gapInText, (_, word: string) => `{{c1::${word}}}`)
    : htmlOfText(note.front);
  const below = [...(cloze ? [] : [note.back]), ...(note.note ? [note.note] : [])].map(htmlOfText).join('<br>');
  return {
    guid: note.key,
    type: cloze ? 'Cloze' : 'Basic',
    deck: card.day > 0 ? `Meshwork::Day ${String(card.day).padStart(2, '0')}` : 'Meshwork::My own',
    fields: [code ? `${question}<pre>${code}</pre>` : question, below],
    tags: note.tags.map((tag) => tag.replace(/\s+/g, '-')),
  };
}

/** All cards as Anki's text import reads them (2.1.54 and newer): a stable GUID, so that an import again updates in place. */
export function writeAnkiText(cards: readonly Card[]): string {
  const head = [
    '#separator:tab',
    '#html:true',
    '#guid column:1',
    '#notetype column:2',
    '#deck column:3',
    '#tags column:6',
  ];
  const rows = cards
    .map(ankiNoteOf)
    .map(({ guid, type, deck, fields, tags }) => writeRow([guid, type, deck, ...fields, tags.join(' ')], '\t'));
  return `${[...head, ...rows].join('\n')}\n`;
}

const separators: Readonly<Record<string, string>> = {
  tab: '\t',
  comma: ',',
  semicolon: ';',
  pipe: '|',
  colon: ':',
  space: ' ',
};

interface Head {
  readonly separator: string;
  readonly html: boolean;
  readonly guid: number;
  readonly tags: number;
  readonly notetype: number;
  readonly deck: number;
  readonly allTags: readonly string[];
}

/** Anki's text, or plain `term<TAB>definition` without any head. */
export function readAnkiText(text: string): FileContent {
  const { head, body } = readHead(text.replace(/^\uFEFF/, ''));
  const special = new Set([head.guid, head.tags, head.notetype, head.deck]);
  const rows = readRows(body, head.separator, maxNotes + 1);
  if (rows.length === 0) throw new ImportError('The file has no cards.');
  if (!rows.some((row) => row.length > 1))
    throw new ImportError('No line has a question and an answer. Put a tab between them.');
  return checkNotes(
    rows.map((fields, index) => ({ where: `line ${index + 1}`, fields })),
    ({ fields: row }) => {
      const fields = row.filter((_, column) => !special.has(column));
      const tags = [...(row[head.tags]?.split(/\s+/) ?? []), ...head.allTags].filter(Boolean);
      return noteOfAnki({ key: row[head.guid] ?? '', fields, tags, html: head.html });
    },
  );
}

/** A note of Anki as ours. A cloze becomes a gap of the question; its first deletion is the answer. */
export function noteOfAnki(input: {
  readonly key: string;
  readonly fields: readonly string[];
  readonly tags: readonly string[];
  readonly html: boolean;
}): Note {
  const [first = '', ...rest] = input.fields.map((field) => (input.html ? textOfHtml(field) : field));
  const others = rest.map((field) => field.trim()).filter(Boolean);
  const common = { key: input.key, tags: [...input.tags] };
  const { text: front, words } = withGaps(first);
  const [word] = words;
  if (word === undefined) {
    const [back = '', ...notes] = others;
    return { ...common, front: first, back, ...(notes.length > 0 ? { note: notes.join('\n') } : {}) };
  }
  return { ...common, front, back: word, ...(others.length > 0 ? { note: others.join('\n') } : {}) };
}

/** `{{c1::word::hint}}` as `[word]`, and the words. One pass, whatever is left open. */
function withGaps(text: string): { text: string; words: string[] } {
  const opening = /\{\{c\d+::/g;
  const words: string[] = [];
  let out = '';
  let done = 0;
  for (let open = opening.exec(text); open; open = opening.exec(text)) {
    const from = open.index + open[0].length;
    const end = text.indexOf('}}', from);
    if (end === -1) break;
    const [word = ''] = text.slice(from, end).split('::', 1);
    if (word !== '') {
      words.push(word);
      out += `${text.slice(done, open.index)}[${word}]`;
      done = end + 2;
    }
    opening.lastIndex = end + 2;
  }
  return { text: out + text.slice(done), words };
}

function readHead(text: string): { head: Head; body: string } {
  const lines: string[] = [];
  let at = 0;
  while (text.startsWith('#', at)) {
    const end = text.indexOf('\n', at);
    lines.push(text.slice(at + 1, end === -1 ? undefined : end).trim());
    at = end === -1 ? text.length : end + 1;
  }
  const value = (name: string) =>
    lines
      .find((line) => line.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  const column = (name: string) => Number(value(`${name} column`) ?? 0) - 1;
  const named = value('separator');
  const separator = named === undefined ? '\t' : (separators[named.toLowerCase()] ?? named);
  if (separator.length !== 1)
    throw new ImportError(`The separator ${named} is not known. Use tab, comma or semicolon.`);
  return {
    body: text.slice(at),
    head: {
      separator,
      html: value('html')?.toLowerCase() === 'true',
      guid: column('guid'),
      tags: column('tags'),
      notetype: column('notetype'),
      deck: column('deck'),
      allTags: value('tags')?.split(/\s+/) ?? [],
    },
  };
}
