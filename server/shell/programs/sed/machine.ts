import type { RE2JS } from 're2js';
import { type CommandIo, type ShellFiles, UsageError } from '../../command.ts';
import type { Line, LineReader } from '../regex/line-reader.ts';
import type { Work } from '../regex/work.ts';
import type { Action, Address, RangeEnd, Replacement, SedCommand, Substitution } from './script.ts';

const MAX_SPACE = 4_194_304;

export interface SedOptions {
  readonly commands: readonly SedCommand[];
  /** `-n`: only what is asked for is printed. */
  readonly quiet: boolean;
  readonly files: ShellFiles;
  readonly work: Work;
  readonly io: Pick<CommandIo, 'signal'>;
  readonly out: (text: string) => void;
  /** What `w` writes goes here. */
  readonly write: (file: string, text: string) => void;
}

/** What a command says of the rest of the script. */
type Next = number | 'next' | 'cycle' | 'again' | 'quit';

/** Runs a script over lines: one object for all of one input. Source: POSIX, sed. */
export class SedMachine {
  readonly #options: SedOptions;
  readonly #ranges = new Map<SedCommand, number | Address>();
  #input: LineReader | undefined;
  #space = '';
  #ended = true;
  #held = '';
  #line = 0;
  #replaced = false;
  #lastPattern: RE2JS | undefined;
  #appended: string[] = [];
  exitCode: number | undefined;

  constructor(options: SedOptions) {
    this.#options = options;
  }

  /** False when the script has ended everything. */
  async run(input: LineReader): Promise<boolean> {
    this.#input = input;
    let again = false;
    for (;;) {
      if (!again && !(await this.#read())) return true;
      const next = await this.#cycle();
      if (next === 'interrupted') return false;
      again = next === 'again';
      if (!again && next !== 'silent' && !this.#options.quiet) this.#print(this.#space);
      for (const text of this.#appended.splice(0)) this.#options.out(text);
      if (this.exitCode !== undefined) return false;
    }
  }

  async #read(): Promise<boolean> {
    const line: Line | undefined = await this.#input?.next();
    if (!line) return false;
    this.#space = line.text;
    this.#ended = line.ended;
    this.#line += 1;
    this.#replaced = false;
    return true;
  }

  #print(text: string): void {
    this.#options.out(this.#ended ? `${text}\n` : text);
  }

  async #cycle(): Promise<'end' | 'again' | 'silent' | 'interrupted'> {
    const { commands, work, io } = this.#options;
    for (let at = 0; at < commands.length; ) {
      const command = commands[at]!;
      work.step(500);
      if (work.due && !(await work.turn(io))) return 'interrupted';
      if ((await this.#applies(command)) === command.negated) {
        at = command.action.name === '{' ? command.action.end : at + 1;
        continue;
      }
      const next = await this.#do(command);
      if (next === 'cycle') return 'silent';
      if (next === 'again') return 'again';
      if (next === 'quit') return 'silent';
      if (next !== 'next' && next <= at) work.step(1000);
      at = next === 'next' ? at + 1 : next;
      if (this.#space.length > MAX_SPACE) throw new UsageError('sed: the pattern space is longer than 4 MiB', 4);
    }
    return 'end';
  }

  async #applies(command: SedCommand): Promise<boolean> {
    const { from, to, zero } = command;
    if (!from) return true;
    if (!to) return this.#holds(from);
    const open = this.#ranges.get(command);
    if (open === undefined) {
      const starts = zero ? this.#line === 1 : await this.#holds(from);
      if (!starts) return false;
      if (zero && (await this.#ends(to))) return true;
      const end = this.#endOf(to);
      if (typeof end !== 'number' || end > this.#line) this.#ranges.set(command, end);
      return true;
    }
    if (typeof open === 'number') {
      if (this.#line >= open) this.#ranges.delete(command);
      return this.#line <= open || this.#holds(from);
    }
    if (await this.#holds(open)) this.#ranges.delete(command);
    return true;
  }

  /** The line at which a range that starts here ends, or what ends it. */
  #endOf(to: RangeEnd): number | Address {
    if (to.type === 'later') return this.#line + to.count;
    if (to.type === 'multiple') return to.of <= 0 ? this.#line : Math.ceil(this.#line / to.of) * to.of;
    return to.type === 'line' ? to.line : to;
  }

  async #ends(to: RangeEnd): Promise<boolean> {
    return to.type === 'pattern' && this.#holds(to);
  }

  async #holds(address: Address): Promise<boolean> {
    switch (address.type) {
      case 'line':
        return this.#line === address.line;
      case 'last':
        return (await this.#input?.atEnd()) ?? true;
      case 'step':
        return address.step <= 0
          ? this.#line === address.first
          : this.#line >= address.first && (this.#line - address.first) % address.step === 0;
      case 'pattern':
        return this.#pattern(address.pattern).matcher(this.#space).find();
    }
  }

  /** The pattern, or the last one that was used for an empty one. */
  #pattern(pattern: RE2JS | undefined): RE2JS {
    const used = pattern ?? this.#lastPattern;
    if (!used) throw new UsageError('sed: no previous regular expression');
    this.#lastPattern = used;
    this.#options.work.search(used, this.#space);
    return used;
  }

  async #do(command: SedCommand): Promise<Next> {
    const { action } = command;
    switch (action.name) {
      case 'p':
        this.#print(this.#space);
        return 'next';
      case 'd':
        return 'cycle';
      case 'D': {
        const end = this.#space.indexOf('\n');
        if (end < 0) return 'cycle';
        this.#space = this.#space.slice(end + 1);
        return 'again';
      }
      case 'P':
        this.#options.out(`${this.#space.split('\n', 1)[0] ?? ''}\n`);
        return 'next';
      case '=':
        this.#options.out(`${this.#line}\n`);
        return 'next';
      case 'l':
        this.#options.out(`${visible(this.#space)}$\n`);
        return 'next';
      case 's':
        this.#substitute(action);
        return 'next';
      case 'y':
        this.#space = [...this.#space].map((char) => action.map.get(char) ?? char).join('');
        return 'next';
      case 'c':
        // Of a range only the last line is changed for the text; the others go.
        if (!command.to || command.negated || !this.#ranges.has(command)) this.#options.out(action.text);
        return 'cycle';
      case 'q':
        this.exitCode = action.exitCode;
        if (!this.#options.quiet) this.#print(this.#space);
        return 'quit';
      case 'Q':
        this.exitCode = action.exitCode;
        return 'quit';
      case 'n':
      case 'N':
        return this.#nextLine(action.name);
      default:
        return this.#simple(action);
    }
  }

  async #nextLine(name: 'n' | 'N'): Promise<Next> {
    if (await this.#input?.atEnd()) {
      // As GNU's: without another line the script ends, and what is there is printed.
      if (!this.#options.quiet) this.#print(this.#space);
      return 'cycle';
    }
    if (name === 'n' && !this.#options.quiet) this.#print(this.#space);
    const before = name === 'N' ? `${this.#space}\n` : '';
    for (const text of this.#appended.splice(0)) this.#options.out(text);
    await this.#read();
    this.#space = before + this.#space;
    return 'next';
  }

  #simple(action: Exclude<Action, Substitution>): Next {
    const { files } = this.#options;
    switch (action.name) {
      case 'a':
        this.#appended.push(action.text);
        return 'next';
      case 'i':
        this.#options.out(action.text);
        return 'next';
      case 'r':
        this.#appended.push(files.read(action.file) ?? '');
        return 'next';
      case 'w':
        this.#options.write(action.file, `${this.#space}\n`);
        return 'next';
      case 'g':
        this.#space = this.#held;
        return 'next';
      case 'G':
        this.#space += `\n${this.#held}`;
        return 'next';
      case 'h':
        this.#held = this.#space;
        return 'next';
      case 'H':
        this.#held += `\n${this.#space}`;
        if (this.#held.length > MAX_SPACE) throw new UsageError('sed: the hold space is longer than 4 MiB', 4);
        return 'next';
      case 'x':
        [this.#space, this.#held] = [this.#held, this.#space];
        return 'next';
      case 'z':
        this.#space = '';
        return 'next';
      case 'b':
        return action.to;
      case 't':
      case 'T': {
        const jumps = this.#replaced === (action.name === 't');
        this.#replaced = false;
        return jumps ? action.to : 'next';
      }
      default:
        return 'next';
    }
  }

  #substitute({ pattern, replacement, all, nth, print, file }: Substitution): void {
    const found = this.#pattern(pattern).matcher(this.#space);
    let result = '';
    let at = 0;
    let count = 0;
    let lastEnd = -1;
    while (found.find()) {
      // An empty match right behind another match is none.
      if (found.end() === found.start() && found.start() === lastEnd) continue;
      lastEnd = found.end();
      count += 1;
      if (count < nth) continue;
      result += this.#space.slice(at, found.start()) + filled(replacement, (group) => found.group(group) ?? '');
      at = found.end();
      if (result.length > MAX_SPACE) throw new UsageError('sed: the pattern space is longer than 4 MiB', 4);
      if (!all) break;
    }
    if (count < nth) return;
    this.#space = result + this.#space.slice(at);
    this.#replaced = true;
    if (print) this.#print(this.#space);
    if (file !== undefined) this.#options.write(file, `${this.#space}\n`);
  }
}

/** The text that stands for a match. */
function filled(replacement: readonly Replacement[], group: (number: number) => string): string {
  let result = '';
  let lasting: 'U' | 'L' | undefined;
  let once: 'u' | 'l' | undefined;
  for (const piece of replacement) {
    if (piece.type === 'case') {
      if (piece.to === 'u' || piece.to === 'l') once = piece.to;
      else lasting = piece.to === 'E' ? undefined : piece.to;
      continue;
    }
    let text = piece.type === 'text' ? piece.text : group(piece.group);
    if (lasting !== undefined) text = lasting === 'U' ? text.toUpperCase() : text.toLowerCase();
    if (once !== undefined && text !== '') {
      const [first = ''] = text;
      text = (once === 'u' ? first.toUpperCase() : first.toLowerCase()) + text.slice(first.length);
      once = undefined;
    }
    result += text;
  }
  return result;
}

const visible = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r');
