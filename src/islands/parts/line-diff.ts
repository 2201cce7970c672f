/** A line of a difference: of both texts, of the new one, of the old one. Numbers count from 1. */
export interface DiffLine {
  kind: 'same' | 'added' | 'removed';
  text: string;
  before?: number;
  after?: number;
}

/** Lines that are compared exactly, at most; longer texts are compared without their common head and tail as a whole. */
const MOST_CELLS = 4_000_000;

/** The shortest way from one text to the other, line by line. */
export function diffLines(before: string, after: string): DiffLine[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const middle = between(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  const same = (text: string): DiffLine => ({ kind: 'same', text });
  const all = [...a.slice(0, head).map(same), ...middle, ...a.slice(a.length - tail).map(same)];
  return numbered(all);
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** By the longest common subsequence; removed lines stand before those that took their place. */
function between(a: readonly string[], b: readonly string[]): DiffLine[] {
  const removed = (text: string): DiffLine => ({ kind: 'removed', text });
  const added = (text: string): DiffLine => ({ kind: 'added', text });
  if (a.length * b.length > MOST_CELLS) return [...a.map(removed), ...b.map(added)];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i * width + j] =
        a[i] === b[j]
          ? (longest[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(longest[(i + 1) * width + j] ?? 0, longest[i * width + j + 1] ?? 0);
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    if (left !== undefined && left === right) {
      lines.push({ kind: 'same', text: left });
      i++;
      j++;
    } else if (left !== undefined && (right === undefined || takesLeft(i, j))) {
      lines.push(removed(left));
      i++;
    } else if (right !== undefined) {
      lines.push(added(right));
      j++;
    }
  }
  return lines;

  function takesLeft(row: number, column: number): boolean {
    return (longest[(row + 1) * width + column] ?? 0) >= (longest[row * width + column + 1] ?? 0);
  }
}

function numbered(lines: readonly DiffLine[]): DiffLine[] {
  let [before, after] = [0, 0];
  return lines.map((line) => {
    if (line.kind !== 'added') before++;
    if (line.kind !== 'removed') after++;
    return {
      ...line,
      ...(line.kind !== 'added' && { before }),
      ...(line.kind !== 'removed' && { after }),
    };
  });
}

/** Lines that differ with a few around them; what lies between is folded to a number. */
export type Hunk = { kind: 'lines'; lines: DiffLine[] } | { kind: 'folded'; count: number };

export function hunksOf(lines: readonly DiffLine[], around = 3): Hunk[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - around), index + around + 1).some(({ kind }) => kind !== 'same'),
  );
  const hunks: Hunk[] = [];
  for (const [index, line] of lines.entries()) {
    const last = hunks.at(-1);
    if (near[index] === true) {
      if (last?.kind === 'lines') last.lines.push(line);
      else hunks.push({ kind: 'lines', lines: [line] });
    } else if (last?.kind === 'folded') last.count++;
    else hunks.push({ kind: 'folded', count: 1 });
  }
  return hunks;
}

export interface DiffCount {
  added: number;
  removed: number;
}

export const countDiff = (lines: readonly DiffLine[]): DiffCount => ({
  added: lines.filter(({ kind }) => kind === 'added').length,
  removed: lines.filter(({ kind }) => kind === 'removed').length,
});
