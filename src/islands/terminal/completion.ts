/** The longest beginning that all have. */
export function commonStart(words: readonly string[]): string {
  const [first = '', ...others] = words;
  let length = first.length;
  for (const word of others) {
    while (!word.startsWith(first.slice(0, length))) length -= 1;
  }
  return first.slice(0, length);
}

export type Completion =
  | { kind: 'nothing' }
  | { kind: 'replace'; text: string }
  | { kind: 'list'; candidates: readonly string[] };

/**
 * What Tab does: a single candidate is taken, with a space after it unless it goes on (a path, an option's value); several are
 * taken as far as they agree, then listed.
 */
export function completionOf(typed: string, candidates: readonly string[]): Completion {
  const [only] = candidates;
  if (only === undefined) return { kind: 'nothing' };
  if (candidates.length === 1) return { kind: 'replace', text: /[/=]$/.test(only) ? only : `${only} ` };
  const shared = commonStart(candidates);
  return shared.length > typed.length && shared.startsWith(typed)
    ? { kind: 'replace', text: shared }
    : { kind: 'list', candidates };
}

/** Candidates side by side in columns. */
export function inColumns(candidates: readonly string[], columns: number): string {
  const width = Math.max(...candidates.map((word) => word.length)) + 2;
  const perRow = Math.max(1, Math.floor(columns / width));
  const rows: string[] = [];
  for (let index = 0; index < candidates.length; index += perRow) {
    rows.push(
      candidates
        .slice(index, index + perRow)
        .map((word) => word.padEnd(width))
        .join('')
        .trimEnd(),
    );
  }
  return rows.join('\n');
}
