import type { Operator, Token } from './lexer.ts';
import type { Redirect } from './script.ts';
import { ShellSyntaxError } from './syntax-error.ts';
import type { Word } from './words.ts';

/** A walk over the tokens of a script. */
export class Cursor {
  #at = 0;
  readonly #tokens: readonly Token[];
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }
  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }
  /** The next token as unquoted text, when it is that. */
  literal(): string | undefined {
    const token = this.#tokens[this.#at];
    if (token?.type === 'arithmetic') return `((${token.text}))`;
    if (token?.type === 'operator') return token.text === '\n' ? 'end of line' : token.text;
    if (token?.type !== 'word' || token.parts.length !== 1) return undefined;
    const part = token.parts[0];
    return part?.type === 'text' && !part.quoted ? part.text : undefined;
  }
  expect(text: string): void {
    if (this.literal() !== text) throw new ShellSyntaxError(`"${text}" was expected.`, this.done);
    this.#at += 1;
  }
  takeLiteral(text: string): boolean {
    if (this.literal() !== text) return false;
    this.#at += 1;
    return true;
  }
  takeOperator(text: Operator): boolean {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'operator' || token.text !== text) return false;
    this.#at += 1;
    return true;
  }
  skipNewlines(): void {
    while (this.takeOperator('\n'));
  }
  /** The text of `((…))`. */
  takeArithmetic(): string | undefined {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'arithmetic') return undefined;
    this.#at += 1;
    return token.text;
  }
  takeWord(): Word | undefined {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'word') return undefined;
    this.#at += 1;
    return token.parts;
  }
  takeRedirect(): Redirect | undefined {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'redirect' && token?.type !== 'heredoc') return undefined;
    this.#at += 1;
    if (token.type === 'heredoc') return { heredoc: token.parts };
    if (token.to === 'output' || token.to === 'errors') return { from: token.from, to: token.to, file: undefined };
    const file = this.takeWord();
    if (!file) throw new ShellSyntaxError('A file name was expected after the redirection.', this.done);
    return { from: token.from, to: token.to, file };
  }
}
