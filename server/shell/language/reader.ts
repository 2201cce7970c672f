import { ShellSyntaxError } from './syntax-error.ts';

const MAX_NESTING = 50;

/** A cursor over shell text. */
export class Reader {
  #at = 0;
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  get done(): boolean {
    return this.#at >= this.#text.length;
  }
  peek(ahead = 0): string {
    return this.#text[this.#at + ahead] ?? '';
  }
  take(count = 1): string {
    const piece = this.#text.slice(this.#at, this.#at + count);
    this.#at += count;
    return piece;
  }
  startsWith(word: string): boolean {
    return this.#text.startsWith(word, this.#at);
  }
  match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#text);
    if (found) this.#at += found[0].length;
    return found;
  }
  skipBlanks(): void {
    this.match(/(?:[ \t\r]|\\\r?\n)+/y);
  }
  /** Text up to the end character, which is taken too. */
  takeUntil(end: string): string {
    const at = this.#text.indexOf(end, this.#at);
    if (at < 0) throw new ShellSyntaxError('A quote is not closed.', true);
    const piece = this.#text.slice(this.#at, at);
    this.#at = at + end.length;
    return piece;
  }
  /** The lines of a here-document, up to the line that is only `end`. `stripTabs`: `<<-`. */
  takeHeredoc(end: string, stripTabs: boolean): string {
    const lines: string[] = [];
    while (!this.done) {
      const raw = (this.match(/[^\n]*/y)?.[0] ?? '').replace(/\r$/, '');
      this.take();
      const line = stripTabs ? raw.replace(/^\t+/, '') : raw;
      if (line === end) return lines.map((each) => `${each}\n`).join('');
      lines.push(line);
    }
    throw new ShellSyntaxError(`The here-document needs a line with only ${end}.`, true);
  }
  /** The script between back quotes, the first of which has been taken; a backslash keeps its meaning but before `, $ and itself. */
  takeBackQuoted(): string {
    let script = '';
    while (!this.done) {
      const char = this.take();
      if (char === '`') return script;
      script += char === '\\' && '`$\\'.includes(this.peek()) ? this.take() : char;
    }
    throw new ShellSyntaxError('A back quote is not closed.', true);
  }
  /** The expression in `((…))`, whose opening stands here; undefined, and nothing is taken, where it does not end in `))`. */
  takeArithmetic(): string | undefined {
    let depth = 0;
    for (let at = this.#at; at < this.#text.length; at++) {
      const char = this.#text[at];
      if (char === '(') depth += 1;
      else if (char === ')') depth -= 1;
      if (depth > 1) continue;
      if (char !== ')' || this.#text[at + 1] !== ')') {
        if (at > this.#at) return undefined;
        continue;
      }
      const expression = this.#text.slice(this.#at + 2, at);
      this.#at = at + 2;
      return expression;
    }
    return undefined;
  }
  /** The script inside `$(…)`, whose opening has been taken; quotes and inner substitutions are skipped whole. */
  takeSubstitution(): string {
    const from = this.#at;
    const open: (')' | '"')[] = [')'];
    while (!this.done) {
      const char = this.take();
      const inside = open.at(-1);
      if (char === inside) open.pop();
      else if (char === '\\') this.take();
      else if (char === '"') open.push('"');
      else if (char === "'" && inside === ')') this.takeUntil("'");
      else if (char === '(' && (inside === ')' || this.#text[this.#at - 2] === '$')) open.push(')');
      if (open.length === 0) return this.#text.slice(from, this.#at - 1);
      if (open.length > MAX_NESTING) throw new ShellSyntaxError('$( stands too deep inside others.');
    }
    throw new ShellSyntaxError('$( is not closed.', true);
  }
}
