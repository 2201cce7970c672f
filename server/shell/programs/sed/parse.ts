import type { RE2JS } from 're2js';
import { UsageError } from '../../command.ts';
import { compilePattern } from '../regex/posix.ts';
import type { Action, Address, RangeEnd, Replacement, SedCommand, Substitution } from './script.ts';

const MAX_COMMANDS = 1000;
const PLAIN = 'dDgGhHlnNpPxz=';

/** Reads a script. Throws UsageError as GNU sed words it. Source: POSIX, sed; with what GNU's has besides. */
export function parseSed(text: string, extended: boolean): SedCommand[] {
  return new SedParser(text, extended).parse();
}

class SedParser {
  #at = 0;
  readonly #text: string;
  readonly #extended: boolean;
  readonly #commands: SedCommand[] = [];
  readonly #labels = new Map<string, number>();
  constructor(text: string, extended: boolean) {
    this.#text = text;
    this.#extended = extended;
  }

  parse(): SedCommand[] {
    const open: (Action & { name: '{' })[] = [];
    for (;;) {
      this.#match(/[\s;]+/y);
      if (this.#done) break;
      if (this.#match(/#[^\n]*/y) !== undefined) continue;
      if (this.#commands.length >= MAX_COMMANDS) throw this.#wrong('too many commands');
      const command = this.#command();
      if (command.action.name === '{') open.push(command.action);
      if (command.action.name === '}') {
        if (command.from) throw this.#wrong('} does not want any addresses');
        const start = open.pop();
        if (!start) throw this.#wrong("unexpected `}'");
        start.end = this.#commands.length;
      }
      this.#commands.push(command);
    }
    if (open.length > 0) throw new UsageError("sed: -e expression #1, char 0: unmatched `{'");
    this.#joinLabels();
    return this.#commands;
  }

  #joinLabels(): void {
    for (const { action } of this.#commands) {
      if (action.name !== 'b' && action.name !== 't' && action.name !== 'T') continue;
      const to = action.label === '' ? this.#commands.length : this.#labels.get(action.label);
      if (to === undefined)
        throw new UsageError(
          `sed: -e expression #1, char ${this.#text.length}: can't find label for jump to \`${action.label}'`,
        );
      action.to = to;
    }
  }

  #command(): SedCommand {
    const zero = this.#match(/0(?=\s*,\s*[/\\])/y) !== undefined;
    const from = zero ? undefined : this.#address();
    let to: RangeEnd | undefined;
    this.#match(/[ \t]+/y);
    if ((from || zero) && this.#match(/,[ \t]*/y) !== undefined) {
      to = this.#rangeEnd();
      if (!to) throw this.#wrong("unexpected `,'");
    }
    this.#match(/[ \t]+/y);
    const negated = this.#match(/!+[ \t]*/y) !== undefined;
    return { from: zero ? { type: 'line', line: 0 } : from, to, zero, negated, action: this.#action() };
  }

  #address(): Address | undefined {
    const [, first, step] = this.#exec(/(\d+)(?:~(\d+))?/y) ?? [];
    if (first !== undefined && step !== undefined) return { type: 'step', first: Number(first), step: Number(step) };
    if (first !== undefined) {
      if (Number(first) === 0) throw this.#wrong('invalid usage of line address 0');
      return { type: 'line', line: Number(first) };
    }
    if (this.#match(/\$/y) !== undefined) return { type: 'last' };
    const custom = this.#match(/\\/y) !== undefined;
    if (!custom && this.#text[this.#at] !== '/') return undefined;
    const delimiter = this.#text[this.#at++] ?? '/';
    const source = this.#upTo(delimiter, 'unterminated address regex');
    return { type: 'pattern', pattern: this.#compile(source, this.#match(/I/y) !== undefined) };
  }

  #rangeEnd(): RangeEnd | undefined {
    const [, sign, count] = this.#exec(/([+~])(\d+)/y) ?? [];
    if (count === undefined) return this.#address();
    return sign === '+' ? { type: 'later', count: Number(count) } : { type: 'multiple', of: Number(count) };
  }

  #action(): Action {
    const name = this.#text[this.#at++];
    if (name === undefined) throw this.#wrong('missing command');
    if (name === '{') return { name, end: 0 };
    if (name === '}') return this.#ended({ name });
    if (PLAIN.includes(name)) return this.#ended({ name: name as 'p' });
    switch (name) {
      case 'a':
      case 'i':
      case 'c':
        return { name, text: this.#textLines() };
      case 'q':
      case 'Q': {
        const code = this.#exec(/[ \t]*(\d+)/y)?.[1];
        return this.#ended({ name, exitCode: Number(code ?? 0) & 0xff });
      }
      case 'r':
      case 'w':
        return { name, file: this.#fileName() };
      case ':':
        this.#labels.set((this.#match(/[ \t]*[^\s;]+/y) ?? '').trim(), this.#commands.length);
        return { name };
      case 'b':
      case 't':
      case 'T':
        return { name, label: (this.#match(/[ \t]*[^\s;}]*/y) ?? '').trim(), to: 0 };
      case 's':
        return this.#substitution();
      case 'y':
        return this.#transliteration();
    }
    if ('eFvRW'.includes(name)) throw this.#wrong(`the command \`${name}' is not part of this terminal`);
    throw this.#wrong(`unknown command: \`${name}'`);
  }

  /** Behind a command comes a separator or the end. */
  #ended<T extends Action>(action: T): T {
    if (this.#exec(/[ \t]*(?=[;\n}#]|$)/y) === null) throw this.#wrong('extra characters after command');
    return action;
  }

  #substitution(): Substitution {
    const delimiter = this.#text[this.#at++] ?? '\n';
    const open = "unterminated `s' command";
    if (delimiter === '\n' || delimiter === '\\') throw this.#wrong(open);
    const source = this.#upTo(delimiter, open);
    const replacement = parseReplacement(this.#upTo(delimiter, open, 'replacement'));
    const flags = this.#match(/(?:[gpIiMm]|\d+)*/y) ?? '';
    if (/m/i.test(flags)) throw this.#wrong('the flag M is not part of this terminal');
    const file = this.#match(/w/y) === undefined ? undefined : this.#fileName();
    if (file === undefined && this.#exec(/[ \t]*(?=[;\n}#]|$)/y) === null) throw this.#wrong("unknown option to `s'");
    const nth = Number(/\d+/.exec(flags)?.[0] ?? 1);
    if (nth === 0) throw this.#wrong("number option to `s' command may not be zero");
    const pattern = this.#compile(source, /i/i.test(flags));
    const groups = pattern?.groupCount() ?? 9;
    for (const piece of replacement)
      if (piece.type === 'group' && piece.group > groups)
        throw this.#wrong(`invalid reference \\${piece.group} on \`s' command's RHS`);
    return { name: 's', pattern, replacement, all: flags.includes('g'), nth, print: flags.includes('p'), file };
  }

  #transliteration(): Action {
    const delimiter = this.#text[this.#at++] ?? '\n';
    const open = "unterminated `y' command";
    const chars = (): string[] => [...this.#upTo(delimiter, open).replaceAll('\\n', '\n').replaceAll('\\\\', '\\')];
    const [from, to] = [chars(), chars()];
    if (from.length !== to.length) throw this.#wrong("strings for `y' command are different lengths");
    return this.#ended({ name: 'y', map: new Map(from.map((char, index) => [char, to[index] ?? ''])) });
  }

  /** `a text`, or `a\` and the text on the lines that follow; a backslash joins the next line to it. */
  #textLines(): string {
    // Behind `a\` on the same line blanks are kept.
    this.#match(/[ \t]*(?:\\[ \t]*\n[ \t]*|\\(?=[ \t]))?/y);
    const raw = this.#match(/(?:\\[\s\S]|[^\\\n])*/y) ?? '';
    if (raw === '' && this.#done && this.#text.endsWith('\n') === false && this.#text[this.#at - 1] !== '\\')
      throw this.#wrong("expected \\ after `a', `c' or `i'");
    return `${raw.replace(/\\([\s\S])/g, '$1')}\n`;
  }

  #fileName(): string {
    const name = (this.#match(/[^\n]*/y) ?? '').trim();
    if (name === '') throw this.#wrong('missing filename in r/R/w/W commands');
    return name;
  }

  /** Text up to the delimiter, which is taken too; a delimiter behind a backslash is itself. */
  #upTo(delimiter: string, open: string, part: 'pattern' | 'replacement' = 'pattern'): string {
    let text = '';
    for (;;) {
      const char = this.#text[this.#at++];
      if (char === undefined || (char === '\n' && part === 'pattern')) throw this.#wrong(open);
      if (char === delimiter) return text;
      if (char !== '\\') text += char;
      else {
        const next = this.#text[this.#at++];
        if (next === undefined) throw this.#wrong(open);
        // `s|a\|b|…|`: the delimiter alone, without the meaning that the backslash would give it.
        text += next === delimiter ? (part === 'replacement' && next === '&' ? '\\&' : next) : `\\${next}`;
      }
    }
  }

  #compile(source: string, ignoreCase: boolean): RE2JS | undefined {
    if (source === '') return undefined;
    try {
      return compilePattern(source, { dialect: this.#extended ? 'extended' : 'basic', ignoreCase });
    } catch (error) {
      throw this.#wrong(error instanceof Error ? error.message : String(error));
    }
  }

  get #done(): boolean {
    return this.#at >= this.#text.length;
  }

  #exec(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#text);
    if (found) this.#at += found[0].length;
    return found;
  }

  #match(sticky: RegExp): string | undefined {
    return this.#exec(sticky)?.[0];
  }

  #wrong(text: string): UsageError {
    return new UsageError(`sed: -e expression #1, char ${Math.min(this.#at, this.#text.length)}: ${text}`);
  }
}

/** `&`, `\1`, `\n`, `\U…\E`; a backslash before anything else leaves that. */
export function parseReplacement(text: string): Replacement[] {
  const pieces: Replacement[] = [];
  let plain = '';
  const flush = (): void => {
    if (plain !== '') pieces.push({ type: 'text', text: plain });
    plain = '';
  };
  for (const [char, group, change, escaped] of text.matchAll(/\\(?:([0-9])|([ULulE])|([\s\S]))|[\s\S]/g)) {
    if (group !== undefined || char === '&') {
      flush();
      pieces.push({ type: 'group', group: Number(group ?? 0) });
    } else if (change !== undefined) {
      flush();
      pieces.push({ type: 'case', to: change as 'U' });
    } else plain += escaped === undefined ? char : escaped === 'n' ? '\n' : escaped === 't' ? '\t' : escaped;
  }
  flush();
  return pieces;
}
