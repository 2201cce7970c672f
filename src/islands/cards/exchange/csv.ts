import type { Card } from '../../../course/cards.ts';
import { readRows, writeRow } from './delimited.ts';
import { checkNotes, type FileContent, ImportError, maxNotes, noteOf } from './note.ts';

const columns = ['id', 'front', 'back', 'note', 'code', 'tags'] as const;
type Column = (typeof columns)[number];

/** All cards as CSV (RFC 4180), with a head row. No cell is taken for a formula by a spreadsheet. */
export function writeCsv(cards: readonly Card[]): string {
  const rows = cards.map((card) => {
    const { key, front, back, note = '', code = '', tags } = noteOf(card);
    return [key, front, back, note, code, tags.join(' ')].map(withoutFormula);
  });
  return `${[[...columns], ...rows].map((row) => writeRow(row, ',')).join('\r\n')}\r\n`;
}

/** Cards from CSV with a head row that names at least `front` and `back`, in any order and any case. */
export function readCsv(text: string): FileContent {
  const [head = [], ...rows] = readRows(text.replace(/^\uFEFF/, ''), ',', maxNotes + 2);
  const names = head.map((name) => name.trim().toLowerCase());
  const place = (column: Column) => names.indexOf(column);
  if (place('front') === -1 || place('back') === -1)
    throw new ImportError('The first row must name the columns. The columns front and back are needed.');
  return checkNotes(
    rows.map((fields, index) => ({ where: `row ${index + 2}`, fields })),
    ({ fields }) => {
      const cell = (column: Column) => restored(fields[place(column)] ?? '');
      const [note, code] = [cell('note'), cell('code')];
      return {
        key: cell('id'),
        front: cell('front'),
        back: cell('back'),
        ...(note ? { note } : {}),
        ...(code ? { code } : {}),
        tags: cell('tags').split(/\s+/).filter(Boolean),
      };
    },
  );
}

const formula = /^[=+\-@\t\r]/;

/** The cell with a quote before what a spreadsheet would compute. */
export function withoutFormula(cell: string): string {
  return formula.test(cell) ? `'${cell}` : cell;
}

export function restored(cell: string): string {
  return cell.startsWith("'") && formula.test(cell.slice(1)) ? cell.slice(1) : cell;
}
