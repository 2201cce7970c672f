import { errorMessage } from '#domain';
import { type Command, type CommandIo, type ShellContext, UsageError } from './command.ts';
import { ShellSyntaxError, type WordPart } from './lexer.ts';
import { type ForLoop, parseScript, type Script, type SimpleCommand, type Stage, type Word } from './parser.ts';
import { createPipe, PipeOverflow, readAll, textPipe } from './pipe.ts';

const MAX_LOOP_TURNS = 10_000;
const MAX_DEPTH = 4;
const MAX_WORDS = 20_000;
export const EXIT_INTERRUPTED = 130;

/** Where a script's text goes and what it can see. */
export interface ShellIo {
  out(text: string): void;
  err(text: string): void;
  readonly signal: AbortSignal;
}

export interface Shell {
  /** Runs a script; resolves with its exit code. Never throws for what the learner typed. */
  run(text: string, io: ShellIo): Promise<number>;
  /** True when the text needs more lines (open quote, here-document, loop). */
  needsMore(text: string): boolean;
  readonly variables: Map<string, string>;
}

/** Runs our own small shell language over the allow-list of commands. There is no host shell behind it. */
export function createShell(options: {
  readonly commands: ReadonlyMap<string, Command>;
  readonly context: ShellContext;
}): Shell {
  const variables = new Map<string, string>();
  const runner = new Runner(options.commands, options.context, variables);
  return {
    variables,
    needsMore: (text) => {
      try {
        parseScript(text);
        return false;
      } catch (error) {
        return error instanceof ShellSyntaxError && error.incomplete;
      }
    },
    run: async (text, io) => {
      try {
        return await runner.script(parseScript(text), { ...io, depth: 0, stdin: textPipe(''), hasStdin: false });
      } catch (error) {
        if (io.signal.aborted) return EXIT_INTERRUPTED;
        io.err(`${error instanceof ShellSyntaxError ? 'syntax error: ' : ''}${errorMessage(error)}\n`);
        return 2;
      }
    },
  };
}

interface Frame extends ShellIo {
  readonly depth: number;
  readonly stdin: AsyncIterable<string>;
  readonly hasStdin: boolean;
}

class Runner {
  readonly #commands: ReadonlyMap<string, Command>;
  readonly #context: ShellContext;
  readonly #variables: Map<string, string>;
  #last = 0;

  constructor(commands: ReadonlyMap<string, Command>, context: ShellContext, variables: Map<string, string>) {
    this.#commands = commands;
    this.#context = context;
    this.#variables = variables;
  }

  async script(script: Script, frame: Frame): Promise<number> {
    if (frame.depth > MAX_DEPTH) throw new UsageError(`nested more than ${MAX_DEPTH} deep`);
    for (const { stages, after } of script) {
      if (frame.signal.aborted) return EXIT_INTERRUPTED;
      if ((after === 'success' && this.#last !== 0) || (after === 'failure' && this.#last === 0)) continue;
      this.#last = await this.#pipeline(stages, frame);
    }
    return this.#last;
  }

  async #pipeline(stages: readonly Stage[], frame: Frame): Promise<number> {
    let stdin = frame.stdin;
    let hasStdin = frame.hasStdin;
    const running: Promise<number>[] = [];
    // A stage that ends early (head) must stop the ones that feed it, as SIGPIPE does.
    const upstreamEnds = new AbortController();
    const signal = AbortSignal.any([frame.signal, upstreamEnds.signal]);
    for (const [index, stage] of stages.entries()) {
      const last = index === stages.length - 1;
      const pipe = last ? undefined : createPipe();
      const own: Frame = {
        ...frame,
        signal: last ? frame.signal : signal,
        stdin,
        hasStdin,
        out: pipe ? (text) => pipe.write(text) : frame.out,
      };
      running.push(this.#stage(stage, own).finally(() => pipe?.end()));
      if (pipe) {
        stdin = pipe;
        hasStdin = true;
      }
    }
    const code = (await running.at(-1)) ?? 0;
    upstreamEnds.abort();
    await Promise.allSettled(running);
    return frame.signal.aborted ? EXIT_INTERRUPTED : code;
  }

  #stage(stage: Stage, frame: Frame): Promise<number> {
    return stage.type === 'for' ? this.#loop(stage, frame) : this.#simple(stage, frame);
  }

  async #loop(loop: ForLoop, frame: Frame): Promise<number> {
    const values: string[] = [];
    for (const word of loop.values) values.push(...(await this.#expand(word, frame)));
    if (values.length > MAX_LOOP_TURNS) throw new UsageError(`a loop may turn ${MAX_LOOP_TURNS} times`);
    let code = 0;
    for (const value of values) {
      if (frame.signal.aborted) return EXIT_INTERRUPTED;
      this.#variables.set(loop.variable, value);
      code = await this.script(loop.body, { ...frame, depth: frame.depth + 1 });
    }
    return code;
  }

  async #simple(command: SimpleCommand, frame: Frame): Promise<number> {
    const words: string[] = [];
    for (const word of command.words) words.push(...(await this.#expand(word, frame)));
    const assignment = this.#assign(words);
    if (assignment !== undefined) return assignment;
    const [name = '', ...args] = words;
    const program = this.#commands.get(name.replace(/^(?:\/usr)?\/bin\/|^\.\/|^\/usr\/bin\//, ''));
    if (!program) {
      frame.err(`${name}: command not found. Type help for the list.\n`);
      return 127;
    }
    const output = command.output && (await this.#openOutput(command.output, frame));
    const io: CommandIo = {
      ...(await this.#openInput(command, frame)),
      out: output ? (text) => output.write(text) : frame.out,
      err: frame.err,
      signal: frame.signal,
      variables: this.#variables,
    };
    try {
      return await program.run(args, io, this.#context);
    } catch (error) {
      if (frame.signal.aborted) return EXIT_INTERRUPTED;
      frame.err(
        `${error instanceof UsageError || error instanceof PipeOverflow ? '' : `${name}: `}${errorMessage(error)}\n`,
      );
      return 1;
    } finally {
      await output?.close();
    }
  }

  /** `export A=b`, `A=b`: sets variables; undefined when the words are no assignment. */
  #assign(words: readonly string[]): number | undefined {
    const rest = words[0] === 'export' ? words.slice(1) : words;
    if (rest.length === 0) return words.length > 0 ? 0 : undefined;
    const pairs = rest.map((word) => /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(word));
    if (!pairs.every((pair) => pair !== null)) return undefined;
    for (const pair of pairs) this.#variables.set(pair?.[1] ?? '', pair?.[2] ?? '');
    return 0;
  }

  async #openInput(command: SimpleCommand, frame: Frame): Promise<{ stdin: AsyncIterable<string>; hasStdin: boolean }> {
    if (command.heredoc !== undefined) return { stdin: textPipe(command.heredoc), hasStdin: true };
    if (!command.input) return { stdin: frame.stdin, hasStdin: frame.hasStdin };
    const [path = ''] = await this.#expand(command.input, frame);
    const text = this.#context.files.read(path);
    if (text === undefined) throw new UsageError(`${path}: No such file or directory`);
    return { stdin: textPipe(text), hasStdin: true };
  }

  async #openOutput(target: NonNullable<SimpleCommand['output']>, frame: Frame) {
    const [path = ''] = await this.#expand(target.file, frame);
    if (path === '/dev/null') return { write: () => undefined, close: async () => undefined };
    const pipe = createPipe();
    const before = target.append ? (this.#context.files.read(path) ?? '') : '';
    return {
      write: (text: string) => pipe.write(text),
      close: async () => {
        pipe.end();
        this.#context.files.write(path, before + (await readAll(pipe)));
      },
    };
  }

  /** One word may become several: an unquoted variable or substitution is split at blanks. */
  async #expand(word: Word, frame: Frame): Promise<string[]> {
    const fields: string[] = [];
    let current: string | undefined;
    for (const part of word) {
      const text = await this.#value(part, frame);
      if (part.quoted || part.type === 'text') {
        current = (current ?? '') + text;
        continue;
      }
      const [first = '', ...more] = text.split(/[ \t\n]+/);
      if (first !== '') current = (current ?? '') + first;
      for (const piece of more) {
        if (current !== undefined) fields.push(current);
        current = piece === '' ? undefined : piece;
      }
    }
    if (current !== undefined) fields.push(current);
    if (fields.length > MAX_WORDS) throw new UsageError('the command has too many words');
    return fields;
  }

  async #value(part: WordPart, frame: Frame): Promise<string> {
    if (part.type === 'text') return part.text;
    if (part.type === 'variable')
      return part.name === '?' ? String(this.#last) : (this.#variables.get(part.name) ?? '');
    const pipe = createPipe();
    const inner = this.script(parseScript(part.script), {
      ...frame,
      depth: frame.depth + 1,
      out: (text) => pipe.write(text),
    });
    await inner.finally(() => pipe.end());
    return (await readAll(pipe)).replace(/\n+$/, '');
  }
}
