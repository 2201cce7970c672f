/** A word of the glossary as `/words/terms.json` has it. */
export interface TermEntry {
  term: string;
  slug: string;
  /** What it means, in one line. */
  gist: string;
  /** Spellings in YAML: the term, its other names, fields. */
  names: string[];
}

/** A word of the text that the glossary explains. */
export interface FoundTerm {
  entry: TermEntry;
  /** Columns in the line, from 1; the end is one behind the last character. */
  column: number;
  endColumn: number;
}

/** `outlierDetection`, `outlier detection` and `OUTLIER_DETECTION` are one word, in singular and plural. */
function plain(name: string): string {
  const letters = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (letters.endsWith('ies')) return `${letters.slice(0, -3)}y`;
  return letters.length > 3 && /[^s]s$/.test(letters) ? letters.slice(0, -1) : letters;
}

/** Words of YAML: keys and values, with the slash, dot and hyphen of label names. */
const WORD = /[A-Za-z][\w./-]*/g;

export class TermBook {
  readonly #byName: ReadonlyMap<string, TermEntry>;

  constructor(entries: readonly TermEntry[]) {
    // A term's own name comes before the other names of another.
    const pairs = entries.flatMap((entry) => entry.names.slice(1).map((name) => [plain(name), entry] as const));
    const own = entries.map((entry) => [plain(entry.term), entry] as const);
    this.#byName = new Map([...pairs, ...own]);
  }

  /** The terms in one line of YAML, from left to right; what stands behind a `#` is prose. */
  inLine(line: string): FoundTerm[] {
    const code = line.replace(/(^|\s)#.*$/, '');
    return [...code.matchAll(WORD)].flatMap(({ 0: word, index }) => {
      const entry = this.#byName.get(plain(word));
      return entry ? [{ entry, column: index + 1, endColumn: index + 1 + word.length }] : [];
    });
  }
}

function isEntry(value: unknown): value is TermEntry {
  return (
    typeof value === 'object' &&
    value !== null &&
    'term' in value &&
    'slug' in value &&
    typeof value.slug === 'string' &&
    'names' in value &&
    Array.isArray(value.names)
  );
}

const page: { book?: Promise<TermBook> } = {};

/** The glossary, asked for once; empty where the site has none. */
export function loadTerms(): Promise<TermBook> {
  page.book ??= fetch('/words/terms.json')
    .then(async (answer): Promise<unknown> => (answer.ok ? answer.json() : []))
    .then((body) => new TermBook(Array.isArray(body) ? body.filter(isEntry) : []))
    .catch((error: unknown) => {
      console.info('The glossary did not load; the editor goes without its words.', error);
      return new TermBook([]);
    });
  return page.book;
}
