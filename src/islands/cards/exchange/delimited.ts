/** Cells of a row beyond these belong to no card. */
const maxCells = 200;

/**
 * Rows of RFC 4180 text, or of the same with another separator. A quote opens a field only at its beginning. Reading ends after `limit`
 * rows: a caller that takes fewer sees that there are more.
 */
export function readRows(text: string, separator: string, limit = Number.POSITIVE_INFINITY): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  const end = text.length;
  while (at < end && rows.length < limit) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at, separator);
    if (row.length < maxCells) row.push(field.text);
    at = field.next;
    if (text.startsWith(separator, at)) {
      at += separator.length;
      if (at >= end && row.length < maxCells) row.push('');
      continue;
    }
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
    at += text.startsWith('\r\n', at) ? 2 : 1;
  }
  if (row.length > 1 || (row[0] ?? '') !== '') rows.push(row);
  return rows;
}

interface Field {
  readonly text: string;
  readonly next: number;
}

function quotedField(text: string, at: number): Field {
  let value = '';
  for (let from = at + 1; ; ) {
    const quote = text.indexOf('"', from);
    if (quote === -1) return { text: value + text.slice(from), next: text.length };
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') return { text: value, next: quote + 1 };
    value += '"';
    from = quote + 2;
  }
}

function plainField(text: string, at: number, separator: string): Field {
  let next = at;
  while (next < text.length && text[next] !== '\n' && text[next] !== '\r' && !text.startsWith(separator, next)) next++;
  return { text: text.slice(at, next), next };
}

/** One row, without its line end; a cell is quoted where it must be. */
export function writeRow(cells: readonly string[], separator: string): string {
  return cells
    .map((cell) =>
      cell.includes(separator) || /["\n\r]/.test(cell) || cell.startsWith('#') ? `"${cell.replace(/"/g, '""')}"` : cell,
    )
    .join(separator);
}
