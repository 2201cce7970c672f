export interface DiffLine {
  key: string;
  sign: '+' | '-' | ' ';
  text: string;
}

const CONTEXT = 3;

/** The lines of two texts, changed ones with three around them; `…` stands for what is left out. By the longest common part. */
export function diffLines(before: string, after: string): DiffLine[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  const lengths = commonLengths(a, b);
  const all: Omit<DiffLine, 'key'>[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    if (left !== undefined && left === right) {
      all.push({ sign: ' ', text: left });
      i++;
      j++;
    } else if (
      right === undefined ||
      (left !== undefined && (lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0))
    ) {
      all.push({ sign: '-', text: left ?? '' });
      i++;
    } else {
      all.push({ sign: '+', text: right });
      j++;
    }
  }
  return fold(all).map((line, index) => ({ ...line, key: `${index} ${line.sign}${line.text}` }));
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** How many lines are common from each pair of places on. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) {
    const [row, below] = [table[i] as number[], table[i + 1] as number[]];
    for (let j = b.length - 1; j >= 0; j--)
      row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
  }
  return table;
}

function fold(lines: readonly Omit<DiffLine, 'key'>[]): Omit<DiffLine, 'key'>[] {
  const near = (index: number): boolean =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ sign }) => sign !== ' ');
  const shown: Omit<DiffLine, 'key'>[] = [];
  for (const [index, line] of lines.entries()) {
    if (near(index)) shown.push(line);
    else if (shown.at(-1)?.text !== '…') shown.push({ sign: ' ', text: '…' });
  }
  return shown;
}
