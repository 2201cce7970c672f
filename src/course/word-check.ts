/** Transparent marks of a short text: its words, and which of the given terms it uses. */
export interface WordCheck {
  readonly words: number;
  /** The terms that were found, in the order given. */
  readonly used: readonly string[];
}

/**
 * Counts words and finds terms. A term counts in singular or plural, in any case, with a space or a hyphen between its parts:
 * `data planes` and `Data-plane` are both `data plane`. `sidecar` alone counts for `sidecar proxy`.
 */
export function checkWords(text: string, terms: readonly string[]): WordCheck {
  const words = text.match(/[\p{L}\p{N}][\p{L}\p{N}'’.:/-]*/gu)?.length ?? 0;
  return { words, used: terms.filter((term) => forms(term).some((form) => form.test(text))) };
}

const shortForms: Readonly<Record<string, string>> = {
  'sidecar proxy': 'sidecar',
  'admission webhook': 'webhook',
  'sidecar injection': 'injected',
  'traffic interception': 'intercepted',
};

function forms(term: string): RegExp[] {
  const spellings = [term, shortForms[term]].filter((spelling) => spelling !== undefined);
  return spellings.map((spelling) => {
    const body = spelling
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replace(/ /g, '[\\s-]+')
      .replace(/y$/, '(?:y|ies|y)');
    return new RegExp(`(?<![\\p{L}\\p{N}])${body}s?(?![\\p{L}\\p{N}])`, 'iu');
  });
}
