import { type Command, UsageError } from '../../command.ts';
import { readAll } from '../../language/pipe.ts';
import { completeFiles, input, textFlags } from './input.ts';

const AROUND = 3;
const MOST_CELLS = 4_000_000;

interface Edit {
  readonly sign: ' ' | '-' | '+';
  readonly line: string;
}

/** Unified differences, as `diff -u` prints them; exit code 1 when there are any. */
export const diff: Command = {
  name: 'diff',
  summary: 'how two files differ',
  manual: 'diff [-q] [-u] file other   - is standard input. Exit code 1: they differ.',
  run: async (args, io, world) => {
    const flags = textFlags('diff', args, {
      unified: { takes: 'nothing', short: 'u' },
      brief: { takes: 'nothing', short: 'q' },
    });
    const [left, right, ...more] = flags.words;
    if (left === undefined || right === undefined || more.length > 0)
      throw new UsageError('usage: diff [-q] [-u] file other', 2);
    const read = async (name: string): Promise<string[]> => linesOf(await readAll(input('diff', [name], io, world)));
    const hunks = differences(await read(left), await read(right));
    if (hunks === '') return 0;
    if (flags.on('brief')) io.out(`Files ${left} and ${right} differ\n`);
    else io.out(`--- ${left}\n+++ ${right}\n${hunks}`);
    return 1;
  },
  complete: completeFiles,
};

/** The hunks of a unified difference; empty where the lines are the same. Throws UsageError when there is too much to compare. */
export function differences(left: readonly string[], right: readonly string[]): string {
  const edits = editsOf(left, right);
  return edits.every(({ sign }) => sign === ' ') ? '' : hunksOf(edits);
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** By the longest common subsequence; the common head and tail are not compared. */
function editsOf(a: readonly string[], b: readonly string[]): Edit[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const same = (line: string): Edit => ({ sign: ' ', line });
  const middle = between(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  return [...a.slice(0, head).map(same), ...middle, ...a.slice(a.length - tail).map(same)];
}

function between(a: readonly string[], b: readonly string[]): Edit[] {
  if (a.length * b.length > MOST_CELLS)
    throw new UsageError('diff: the files are too long to be compared line by line', 2);
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push({ sign: ' ', line: a[i++]! });
      j++;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1)))
      edits.push({ sign: '-', line: a[i++]! });
    else edits.push({ sign: '+', line: b[j++]! });
  }
  return edits;
}

function hunksOf(edits: readonly Edit[]): string {
  let text = '';
  let [left, right] = [1, 1];
  let hunk: { left: number; right: number; edits: Edit[] } | undefined;
  const flush = (): void => {
    if (hunk === undefined) return;
    const count = (without: string): number => hunk!.edits.filter(({ sign }) => sign !== without).length;
    text += `@@ -${hunk.left},${count('+')} +${hunk.right},${count('-')} @@\n`;
    text += hunk.edits.map(({ sign, line }) => `${sign}${line}\n`).join('');
    hunk = undefined;
  };
  for (const [place, edit] of edits.entries()) {
    const near = edits.slice(Math.max(0, place - AROUND), place + AROUND + 1).some(({ sign }) => sign !== ' ');
    if (near) {
      hunk ??= { left, right, edits: [] };
      hunk.edits.push(edit);
    } else flush();
    if (edit.sign !== '+') left++;
    if (edit.sign !== '-') right++;
  }
  flush();
  return text;
}
