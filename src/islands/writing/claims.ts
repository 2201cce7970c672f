import { escaped } from './sentences.ts';

/** `mTLS … authorizes|mTLS … decides who may` as one expression; a few words may stand between, no sentence end, no negation. */
function claimPattern(claim: string): RegExp {
  const ways = claim.split('|').map((way) =>
    way
      .split('…')
      .map((piece) => escaped(piece.trim()).replace(/\s+/g, '[\\s-]+'))
      .join("(?:[\\s,]+(?!(?:not|never|no|nothing|cannot|isn't|doesn't|does|don't)\\b)[\\w'’/-]+){0,6}?[\\s,]+"),
  );
  return new RegExp(`(?<![\\w-])(?:${ways.join('|')})(?![\\w-])`, 'gi');
}

/** Words before a claim, in its own part of the sentence, by which the writer denies it. */
const denial =
  /\b(?:no|not|never|nobody|none|nothing|neither|nor|hardly|false|wrong|untrue|myth|mistake|mistaken|cannot|rather than|instead of)\b|n['’]t\b/i;

/** True when the text claims it: in one of its forms, and not to deny it. */
export function claims(claim: string, text: string): boolean {
  for (const match of text.matchAll(claimPattern(claim))) {
    const before = text.slice(0, match.index).split(/[.!?;:\n]|, (?:but|so|and) /);
    if (!denial.test(before.at(-1) ?? '')) return true;
  }
  return false;
}
