import { nextTurn } from '../../language/pipe.ts';

/** A line, or another record; `ended`: it had its line end. */
export interface Line {
  readonly text: string;
  readonly ended: boolean;
}

const LINES_A_TURN = 2000;

/** Hands out the lines of an input one by one; it reads on only when it is asked. */
export class LineReader {
  readonly #iterator: AsyncIterator<string>;
  #held = '';
  #at = 0;
  #done = false;
  #count = 0;
  constructor(input: AsyncIterable<string>) {
    this.#iterator = input[Symbol.asyncIterator]();
  }

  /** The next line, or what stands before the next `separator`; undefined at the end. */
  async next(separator = '\n'): Promise<Line | undefined> {
    this.#count += 1;
    if (this.#count % LINES_A_TURN === 0) await nextTurn();
    for (let from = this.#at; ; ) {
      const end = this.#held.indexOf(separator, from);
      if (end >= 0) {
        const text = this.#held.slice(this.#at, end);
        this.#at = end + separator.length;
        return { text, ended: true };
      }
      from = this.#held.length - this.#at;
      if (!(await this.#more())) break;
    }
    if (this.#at >= this.#held.length) return undefined;
    const text = this.#held.slice(this.#at);
    this.#held = '';
    this.#at = 0;
    return { text, ended: false };
  }

  /** Whether nothing follows. */
  async atEnd(): Promise<boolean> {
    while (this.#at >= this.#held.length) if (!(await this.#more())) return true;
    return false;
  }

  async #more(): Promise<boolean> {
    if (this.#done) return false;
    const { done, value } = await this.#iterator.next();
    this.#held = this.#held.slice(this.#at) + (done ? '' : value);
    this.#at = 0;
    this.#done = done ?? false;
    return !this.#done;
  }
}
