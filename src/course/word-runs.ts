/** A word of the glossary by the names that texts use. */
export interface NamedWord {
  readonly slug: string;
  /** The term, then its other names. */
  readonly names: readonly string[];
}

export interface WordRun {
  readonly text: string;
  /** Where it begins, in characters. */
  readonly at: number;
  /** The word's page; absent in the text between words. */
  readonly slug?: string;
}

/**
 * A text in pieces: the first place of each word, and what stands between. Case counts, so that not every service is a `Service`; a name in
 * small letters may begin a sentence. Other names of two letters are too short to be sure. The longest name at a place wins.
 */
export function wordRuns(text: string, words: readonly NamedWord[]): WordRun[] {
  const slugs = slugsByName(words);
  const names = [...slugs.keys()].toSorted((a, b) => b.length - a.length).map(patternOf);
  const found = new RegExp(`(?<![\\p{L}\\p{N}-])(?:${names.join('|')})(?![\\p{L}\\p{N}]|-\\p{L})`, 'gu');
  const runs: WordRun[] = [];
  const seen = new Set<string>();
  let done = 0;
  for (const { 0: name, index } of text.matchAll(found)) {
    const slug = spellings(name)
      .map((spelling) => slugs.get(spelling))
      .find(Boolean);
    if (slug === undefined || seen.has(slug)) continue;
    seen.add(slug);
    if (index > done) runs.push({ text: text.slice(done, index), at: done });
    runs.push({ text: name, at: index, slug });
    done = index + name.length;
  }
  if (done < text.length) runs.push({ text: text.slice(done), at: done });
  return runs;
}

/** A term's own name comes before the other names of another. */
function slugsByName(words: readonly NamedWord[]): ReadonlyMap<string, string> {
  const pairs = (from: number, to?: number) =>
    words.flatMap(({ slug, names }) => names.slice(from, to).map((name) => [name, slug] as const));
  return new Map([...pairs(1).filter(([name]) => name.length > 2), ...pairs(0, 1)]);
}

/** How a name may stand in the list: as it is, in the singular, and not at the beginning of a sentence. */
function spellings(name: string): string[] {
  const small = name.charAt(0).toLowerCase() + name.slice(1);
  return [name, small].flatMap((form) => [form, form.replace(/s$/, ''), form.replace(/ies$/, 'y')]);
}

/** The name in singular or plural; a name in small letters with a capital, too. */
function patternOf(name: string): string {
  const escaped = name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&').replace(/y$/, '(?:y|ies)');
  const first = name.charAt(0);
  const inSmall = name === name.toLowerCase() && /[a-z]/.test(first);
  return inSmall ? `[${first}${first.toUpperCase()}]${escaped.slice(1)}s?` : `${escaped}s?`;
}
