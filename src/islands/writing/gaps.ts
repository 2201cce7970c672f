import { judgeTyped } from '../cards/attempt.ts';

/** A piece of a line: text, or a gap with every word that is right in it. */
export type Piece = { readonly text: string } | { readonly gap: readonly string[]; readonly id: string };

/** Splits `Who sets the [timeout|limit]?` at its gaps; `line` makes the ids unique within a dialogue. */
export function piecesOf(says: string, line: number): Piece[] {
  return says
    .split(/(\[[^\]]+\])/)
    .filter(Boolean)
    .map((text, index) =>
      text.startsWith('[') ? { gap: text.slice(1, -1).split('|'), id: `${line}.${index}` } : { text },
    );
}

/** Right, almost right by a slip of the finger, or wrong. */
export function judgeGap(accepts: readonly string[], typed: string): 'right' | 'almost' | 'wrong' {
  return judgeTyped({ answer: accepts[0] ?? '', accepts }, typed).verdict;
}
