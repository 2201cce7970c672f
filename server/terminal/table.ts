/** Rows under a head, padded as kubectl and istioctl print them: a gap between columns, none after the last. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[], gap = 3): string {
  return formatRows([head, ...rows], columnWidths([head, ...rows]), gap);
}

/** As `formatTable`, with the padding before an empty last cell, which programs of Go's tabwriter leave. */
export function formatTabbed(head: readonly string[], rows: readonly (readonly string[])[], gap: number): string {
  const all = [head, ...rows];
  const widths = columnWidths(all);
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column]! + gap))).join('');
  return all.map((row) => `${line(row)}\n`).join('');
}

/** The width of the widest cell of each column. */
export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return widths;
}

export function formatRows(rows: readonly (readonly string[])[], widths: readonly number[], gap = 3): string {
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + gap)))
      .join('')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}
