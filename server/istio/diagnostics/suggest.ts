/** Edits that turn one word into the other: insert, delete, replace, swap neighbours. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replaced, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** The candidate that was most likely meant. */
export interface Meaning {
  readonly word: string;
  /** No other candidate is as near. */
  readonly isCertain: boolean;
}

/** What was most likely meant, or undefined when nothing is near: at most a third of the word is wrong. */
export function meaningOf(word: string, candidates: Iterable<string>): Meaning | undefined {
  if (word.length > 64) return undefined;
  const lower = word.toLowerCase();
  let best: Meaning | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (candidate.length > 96 || candidate === best?.word) continue;
    const edits = distance(lower, candidate.toLowerCase());
    if (edits === bestDistance && best) best = { ...best, isCertain: false };
    if (edits >= bestDistance) continue;
    best = { word: candidate, isCertain: true };
    bestDistance = edits;
  }
  return best;
}

/** The candidate that was most likely meant, or undefined when none is near. */
export const didYouMean = (word: string, candidates: Iterable<string>): string | undefined =>
  meaningOf(word, candidates)?.word;
