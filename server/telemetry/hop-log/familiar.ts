/** Texts and lists that are kept, at most; then they are learnt anew. */
const MOST = 1000;
/** Longer ones hardly come again. */
const LONGEST = 256;

const NOTHING: readonly string[] = [];

/** V8 cuts longer texts than these out of others by reference. */
const COPIED = 12;

/** A text that shares no bytes with the message in which it came. */
export const ownCopy = (text: string): string =>
  text.length <= COPIED ? text : (JSON.parse(JSON.stringify(text)) as string);

/** The few texts that come with hop after hop, names of the configuration as a rule: the same object each time, which is an old one. */
export class Familiar {
  readonly #texts = new Map<string, string>();
  readonly #lists = new Map<string, readonly string[]>();

  text(text: string): string {
    if (text === '') return '';
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const own = ownCopy(text);
    if (text.length > LONGEST) return own;
    if (this.#texts.size >= MOST) this.#texts.clear();
    this.#texts.set(own, own);
    return own;
  }

  /** Of short words, such as response flags. */
  list(words: readonly string[]): readonly string[] {
    if (words.length === 0) return NOTHING;
    const key = words.join('\n');
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const own = words.map(ownCopy);
    if (this.#lists.size >= MOST) this.#lists.clear();
    this.#lists.set(ownCopy(key), own);
    return own;
  }

  clear(): void {
    this.#texts.clear();
    this.#lists.clear();
  }
}
