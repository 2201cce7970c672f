import { UsageError } from '../../command.ts';
import { type Flags, readCount } from '../../flags.ts';

/** Prints lines that match, with those before and after them (`-A`, `-B`, `-C`), and `--` where lines are left out, as grep does. */
export class Around {
  readonly #after: number;
  readonly #before: number;
  readonly #numbered: boolean;
  readonly #prefix: string;
  readonly #out: (text: string) => void;
  #waiting: string[] = [];
  #toPrint = 0;
  #printed = 0;

  constructor(flags: Flags, prefix: string, out: (text: string) => void) {
    // -c, -o and lists of files show no lines around.
    const shows = !['count', 'only-matching', 'files-with-matches', 'files-without-match'].some((flag) =>
      flags.on(flag),
    );
    const lines = (name: string): number => {
      const text = flags.text(name) ?? flags.text('context') ?? '0';
      const asked = readCount(text);
      if (asked === undefined) throw new UsageError(`grep: ${text}: invalid context length argument`, 2);
      return shows ? asked : 0;
    };
    this.#after = lines('after-context');
    this.#before = lines('before-context');
    this.#numbered = flags.on('line-number');
    this.#prefix = prefix;
    this.#out = out;
  }

  /** Lines after the last match are still to come. */
  get open(): boolean {
    return this.#toPrint > 0;
  }

  found(line: string, number: number): void {
    const first = number - this.#waiting.length;
    if (this.#after + this.#before > 0 && this.#printed > 0 && first > this.#printed + 1) this.#out('--\n');
    for (const [index, earlier] of this.#waiting.entries()) this.#print(earlier, first + index, '-');
    this.#waiting = [];
    this.#print(line, number, ':');
    this.#toPrint = this.#after;
  }

  beside(line: string, number: number): void {
    if (this.#toPrint > 0) {
      this.#toPrint -= 1;
      this.#print(line, number, '-');
    } else if (this.#before > 0) {
      this.#waiting.push(line);
      if (this.#waiting.length > this.#before) this.#waiting.shift();
    }
  }

  #print(line: string, number: number, sign: ':' | '-'): void {
    const name = this.#prefix === '' ? '' : `${this.#prefix}${sign}`;
    this.#out(`${name}${this.#numbered ? `${number}${sign}` : ''}${line}\n`);
    this.#printed = number;
  }
}
