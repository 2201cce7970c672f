import { ExpressionParser } from './expression-parser.ts';
import type { Destination, Expression, Rule, Statement } from './syntax.ts';

const MAX_RULES = 500;

/** Reads an awk program. Throws UsageError. Source: POSIX, awk, grammar; without functions of the learner's own and getline. */
export function parseAwk(text: string): Rule[] {
  return new AwkParser(text).program();
}

class AwkParser extends ExpressionParser {
  program(): Rule[] {
    const rules: Rule[] = [];
    for (;;) {
      while (this.takeSign(';') || this.takeNewline());
      if (this.done) return rules;
      if (rules.length >= MAX_RULES) throw this.wrong('too many rules');
      rules.push(this.#rule());
    }
  }

  #rule(): Rule {
    if (this.isWord('function') || this.isWord('func'))
      throw this.wrong('functions of your own are not part of this terminal');
    const when = this.takeWord('BEGIN') ? 'begin' : this.takeWord('END') ? 'end' : this.#pattern();
    if (this.isSign('{')) return { when, action: this.#block() };
    if (when === 'begin' || when === 'end') throw this.wrong(`${when === 'begin' ? 'BEGIN' : 'END'} needs an action`);
    return { when, action: undefined };
  }

  #pattern(): { from: Expression | undefined; to: Expression | undefined } {
    if (this.isSign('{')) return { from: undefined, to: undefined };
    const from = this.expression();
    if (!this.takeSign(',')) return { from, to: undefined };
    this.skipNewlines();
    return { from, to: this.expression() };
  }

  #block(): Statement {
    this.expectSign('{');
    const body: Statement[] = [];
    for (;;) {
      while (this.takeSign(';') || this.takeNewline());
      if (this.takeSign('}')) return { type: 'block', body };
      if (this.done) throw this.wrong('"}" is missing');
      body.push(this.nested(() => this.#statement()));
    }
  }

  /** A statement and what ends it. */
  #statement(): Statement {
    if (this.isSign('{')) return this.#block();
    if (this.takeWord('if')) return this.#if();
    if (this.takeWord('while')) {
      const test = this.#condition();
      if (this.takeSign(';')) return { type: 'while', test, body: EMPTY, next: undefined };
      return { type: 'while', test, body: this.#body(), next: undefined };
    }
    if (this.takeWord('for')) return this.#for();
    if (this.takeWord('do')) {
      const body = this.#body();
      while (this.takeSign(';') || this.takeNewline());
      if (!this.takeWord('while')) throw this.wrong('"while" was expected');
      return this.#ended({ type: 'do', test: this.#condition(), body });
    }
    if (this.takeSign(';')) return EMPTY;
    return this.#ended(this.#simple());
  }

  #ended(statement: Statement): Statement {
    if (this.takeSign(';') || this.takeNewline() || this.isSign('}') || this.done) return statement;
    throw this.unexpected();
  }

  #condition(): Expression {
    this.expectSign('(');
    const test = this.expression();
    this.expectSign(')');
    return test;
  }

  #body(): Statement {
    this.skipNewlines();
    return this.nested(() => this.#statement());
  }

  #if(): Statement {
    const test = this.#condition();
    const yes = this.#body();
    // `else` may stand behind the line end or the semicolon that ended the first half.
    let away = 0;
    for (
      let token = this.ahead(away);
      token.type === 'newline' || (token.type === 'sign' && token.text === ';');
      token = this.ahead(away)
    )
      away += 1;
    const token = this.ahead(away);
    if (token.type !== 'word' || token.text !== 'else') return { type: 'if', test, yes, no: undefined };
    while (this.takeSign(';') || this.takeNewline());
    this.takeWord('else');
    return { type: 'if', test, yes, no: this.#body() };
  }

  #for(): Statement {
    this.expectSign('(');
    const [name, word, array, close] = [this.ahead(0), this.ahead(1), this.ahead(2), this.ahead(3)];
    if (
      name.type === 'name' &&
      word.type === 'word' &&
      word.text === 'in' &&
      array.type === 'name' &&
      close.type === 'sign' &&
      close.text === ')'
    ) {
      for (let i = 0; i < 4; i++) this.take();
      return { type: 'each', variable: name.text, array: array.text, body: this.#body() };
    }
    const first = this.isSign(';') ? undefined : this.#simple();
    this.expectSign(';');
    this.skipNewlines();
    const test = this.isSign(';') ? undefined : this.expression();
    this.expectSign(';');
    this.skipNewlines();
    const next = this.isSign(')') ? undefined : this.#simple();
    this.expectSign(')');
    const loop: Statement = { type: 'while', test, body: this.takeSign(';') ? EMPTY : this.#body(), next };
    return first ? { type: 'block', body: [first, loop] } : loop;
  }

  #simple(): Statement {
    for (const type of ['break', 'continue', 'next'] as const) if (this.takeWord(type)) return { type };
    if (this.takeWord('exit')) return { type: 'exit', code: this.#atEnd ? undefined : this.expression() };
    if (this.takeWord('delete')) return this.#delete();
    if (this.takeWord('print')) return this.#print('print');
    if (this.takeWord('printf')) return this.#print('printf');
    if (this.isWord('getline') || this.isWord('return') || this.isWord('nextfile'))
      throw this.wrong('getline, nextfile and return are not part of this terminal');
    return { type: 'expression', of: this.expression() };
  }

  get #atEnd(): boolean {
    return (
      this.done ||
      this.isSign(';') ||
      this.isSign('}') ||
      this.isSign('>') ||
      this.isSign('>>') ||
      this.isSign('|') ||
      this.isNewline
    );
  }

  #delete(): Statement {
    const array = this.takeName();
    if (!this.takeSign('[')) return { type: 'delete', array, keys: undefined };
    const keys = this.expressions();
    this.expectSign(']');
    return { type: 'delete', array, keys };
  }

  /** `print`: a `>` that stands outside of parentheses is where the output goes. */
  #print(type: 'print' | 'printf'): Statement {
    const values = this.#atEnd ? [] : this.printed();
    if (type === 'printf' && values.length === 0) throw this.wrong('printf needs a format');
    return { type, values, to: this.#destination() };
  }

  #destination(): Destination | undefined {
    if (this.takeSign('|')) return { to: 'command', name: this.concatenated() };
    if (this.takeSign('>>')) return { to: 'append', name: this.concatenated() };
    return this.takeSign('>') ? { to: 'file', name: this.concatenated() } : undefined;
  }
}

const EMPTY: Statement = { type: 'block', body: [] };
