import type { RE2JS } from 're2js';
import { type CommandIo, UsageError } from '../../command.ts';
import { nextTurn } from '../../language/pipe.ts';

/** Steps that one search may cost: the text's length times the states of the pattern. */
const MAX_SEARCH = 200_000_000;
/** Steps after which the event loop gets its turn. */
const A_TURN = 5_000_000;
/** Steps of a whole program. */
const MAX_PROGRAM = 20_000_000_000;

/** Counts what a program of the learner's does, so that it can be interrupted and comes to an end. */
export class Work {
  #sinceTurn = 0;
  #all = 0;
  readonly #program: string;
  constructor(program: string) {
    this.#program = program;
  }

  /** Before a pattern is searched in a text. Throws UsageError when it would cost too much. */
  search(pattern: RE2JS, text: string): void {
    const cost = text.length * pattern.programSize();
    if (cost > MAX_SEARCH) throw new UsageError(`${this.#program}: the line is too long for this pattern`, 2);
    this.step(cost);
  }

  /** Throws UsageError when the program has done too much. */
  step(cost: number): void {
    this.#sinceTurn += cost;
    this.#all += cost;
    if (this.#all > MAX_PROGRAM) throw new UsageError(`${this.#program}: it ran too long and was stopped`, 2);
  }

  /** Whether the event loop waits for its turn; then call `turn`. */
  get due(): boolean {
    return this.#sinceTurn > A_TURN;
  }

  /** Gives the event loop its turn. False after Ctrl+C. */
  async turn(io: Pick<CommandIo, 'signal'>): Promise<boolean> {
    this.#sinceTurn = 0;
    await nextTurn();
    return !io.signal.aborted;
  }
}
