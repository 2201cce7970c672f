import { errorMessage } from '#domain';
import { type Command, type ShellWorld, UsageError } from '../command.ts';
import { expandFields, expandWhole, MAX_WORD, type Values } from './expand.ts';
import { LimitReached } from './limit.ts';
import {
  type Assignment,
  type Condition,
  type ForLoop,
  parseScript,
  type Redirect,
  readAssignment,
  type Script,
  type SimpleCommand,
  type Stage,
  type WhileLoop,
} from './parser.ts';
import { createCollector, createPipe, nextTurn } from './pipe.ts';
import { EXIT_INTERRUPTED, runProgram } from './program.ts';
import { type OpenStreams, openStreams, type Streams } from './redirects.ts';
import { ShellSyntaxError } from './syntax-error.ts';

const EXIT_NOT_FOUND = 127;

const MAX_LOOP_TURNS = 10_000;
const MAX_COMMANDS = 50_000;
const MAX_DEPTH = 16;
const MAX_VARIABLES = 200;
/** Commands that run before the event loop gets its turn, so that Ctrl+C is heard. */
const COMMANDS_A_TURN = 32;

/** What a part of a script runs in. */
export interface Frame extends Streams {
  readonly signal: AbortSignal;
  readonly depth: number;
  /** Loops around this part. */
  readonly loops: number;
  /** Commands that the script has run so far. */
  readonly spent: { commands: number };
}

export interface RunnerOptions<World extends ShellWorld> {
  readonly commands: ReadonlyMap<string, Command<World>>;
  readonly world: World;
  readonly variables: Map<string, string>;
  /** What is said of a command that does not exist. */
  readonly notFound: (name: string) => string;
}

/** `exit` was called: the script ends with this code. */
export class ScriptExit extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** `break` or `continue`, on its way to the loop that it is about. */
class LoopJump extends Error {
  readonly word: 'break' | 'continue';
  /** How many loops it still leaves, with the one that it is about. */
  readonly levels: number;
  constructor(word: 'break' | 'continue', levels: number) {
    super(word);
    this.word = word;
    this.levels = levels;
  }
}

/** What ends more than the command that throws it. */
const ENDS_MORE = [LimitReached, ShellSyntaxError, ScriptExit, LoopJump] as const;

const insideLoop = (frame: Frame): Frame => ({ ...frame, depth: frame.depth + 1, loops: frame.loops + 1 });

/** Walks a script. Variables and the last exit code belong to the terminal and outlive a script. */
export class Runner<World extends ShellWorld> {
  readonly #commands: ReadonlyMap<string, Command<World>>;
  readonly #world: World;
  readonly #variables: Map<string, string>;
  readonly #notFound: (name: string) => string;
  #last = 0;

  constructor({ commands, world, variables, notFound }: RunnerOptions<World>) {
    this.#commands = commands;
    this.#world = world;
    this.#variables = variables;
    this.#notFound = notFound;
  }

  async script(script: Script, frame: Frame): Promise<number> {
    if (frame.depth > MAX_DEPTH) throw new LimitReached(`nested more than ${MAX_DEPTH} deep`);
    for (const { stages, negated, after } of script) {
      if (frame.signal.aborted) return EXIT_INTERRUPTED;
      if ((after === 'success' && this.#last !== 0) || (after === 'failure' && this.#last === 0)) continue;
      const code = await this.#pipeline(stages, frame);
      this.#last = negated ? Number(code === 0) : code;
    }
    return this.#last;
  }

  /** All stages run at once. A stage that ends stops the one that feeds it, as SIGPIPE does. */
  async #pipeline(stages: readonly Stage[], frame: Frame): Promise<number> {
    const stops = stages.map(() => new AbortController());
    let { stdin, hasStdin } = frame;
    const running = stages.map((stage, index) => {
      const stop = stops[index] ?? new AbortController();
      const pipe =
        index === stages.length - 1
          ? undefined
          : createPipe(() => {
              frame.err('the next command does not read what this one writes; it was stopped\n');
              stop.abort();
            });
      const own: Frame = {
        ...frame,
        stdin,
        hasStdin,
        out: pipe ? pipe.write : frame.out,
        signal: stages.length === 1 ? frame.signal : AbortSignal.any([frame.signal, stop.signal]),
      };
      if (pipe) {
        stdin = pipe;
        hasStdin = true;
      }
      return this.#stage(stage, own).finally(() => {
        pipe?.end();
        stops[index - 1]?.abort();
      });
    });
    const results = await Promise.allSettled(running);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    const last = results.at(-1);
    if (frame.signal.aborted || last?.status !== 'fulfilled') return EXIT_INTERRUPTED;
    return last.value;
  }

  #stage(stage: Stage, frame: Frame): Promise<number> {
    if (stage.type === 'simple') return this.#simple(stage, frame);
    return this.#told(frame, async () => {
      const streams = await this.#open(stage.redirects, frame);
      const own = { ...frame, ...streams };
      const code = await this.#compound(stage, own);
      streams.close();
      return code;
    });
  }

  #compound(stage: Exclude<Stage, SimpleCommand>, frame: Frame): Promise<number> {
    switch (stage.type) {
      case 'for':
        return this.#for(stage, frame);
      case 'while':
        return this.#while(stage, frame);
      case 'if':
        return this.#if(stage, frame);
      case 'group':
        return this.script(stage.body, { ...frame, depth: frame.depth + 1 });
      case 'subshell':
        return this.#subShell(stage.body, frame);
    }
  }

  async #if({ branches, otherwise }: Condition, frame: Frame): Promise<number> {
    const inner = { ...frame, depth: frame.depth + 1 };
    for (const { test, body } of branches) {
      if ((await this.script(test, inner)) === 0) return this.script(body, inner);
      if (frame.signal.aborted) return EXIT_INTERRUPTED;
    }
    return otherwise === undefined ? 0 : this.script(otherwise, inner);
  }

  /** A runner of its own: what it sets stays inside, and `exit` ends only it. */
  async #subShell(body: Script, frame: Frame): Promise<number> {
    const inner = new Runner<World>({
      commands: this.#commands,
      world: this.#world,
      variables: new Map(this.#variables),
      notFound: this.#notFound,
    });
    try {
      return await inner.script(body, { ...frame, depth: frame.depth + 1, loops: 0 });
    } catch (error) {
      if (error instanceof ScriptExit) return error.exitCode;
      throw error;
    }
  }

  #open(redirects: readonly Redirect[], frame: Frame): Promise<OpenStreams> {
    return openStreams({
      redirects,
      streams: frame,
      files: this.#world.files,
      expand: (word) => expandWhole(word, this.#values(frame)),
    });
  }

  async #for(loop: ForLoop, frame: Frame): Promise<number> {
    const values: string[] = [];
    for (const word of loop.values) values.push(...(await expandFields(word, this.#values(frame))));
    if (values.length > MAX_LOOP_TURNS) throw new LimitReached(`a loop may turn ${MAX_LOOP_TURNS} times`);
    let code = 0;
    for (const value of values) {
      if (frame.signal.aborted) return EXIT_INTERRUPTED;
      this.#set(loop.variable, value);
      const turn = await this.#turn(loop.body, frame);
      code = turn.code;
      if (turn.leaves) break;
    }
    return code;
  }

  /** One turn of a loop; it leaves the loop after `break`. What is meant for a loop around it goes on to that. */
  async #turn(body: Script, frame: Frame): Promise<{ readonly code: number; readonly leaves: boolean }> {
    try {
      return { code: await this.script(body, insideLoop(frame)), leaves: false };
    } catch (error) {
      if (!(error instanceof LoopJump)) throw error;
      if (error.levels > 1) throw new LoopJump(error.word, error.levels - 1);
      return { code: 0, leaves: error.word === 'break' };
    }
  }

  /** Outside of a loop it does nothing, and says so. */
  #jump(word: 'break' | 'continue', levels: string | undefined, { loops, err }: Frame): number {
    if (loops === 0) {
      err(`${word}: only meaningful in a \`for', \`while', or \`until' loop\n`);
      return 0;
    }
    const count = Number(levels ?? 1);
    if (!Number.isInteger(count) || count < 1) throw new UsageError(`${word}: ${levels}: loop count out of range`);
    throw new LoopJump(word, Math.min(count, loops));
  }

  async #while(loop: WhileLoop, frame: Frame): Promise<number> {
    let code = 0;
    for (let turns = 0; ; turns++) {
      const holds = (await this.script(loop.condition, insideLoop(frame))) === 0;
      if (frame.signal.aborted) return EXIT_INTERRUPTED;
      if (holds === loop.until) return code;
      if (turns >= MAX_LOOP_TURNS) throw new LimitReached(`a loop may turn ${MAX_LOOP_TURNS} times`);
      const turn = await this.#turn(loop.body, frame);
      code = turn.code;
      if (turn.leaves) return code;
    }
  }

  async #simple(command: SimpleCommand, frame: Frame): Promise<number> {
    await this.#spend(frame);
    return this.#told(frame, async () => {
      const words = await this.#words(command, this.#values(frame));
      const streams = await this.#open(command.redirects, frame);
      const own = { ...frame, ...streams };
      const code = await this.#told(own, () => this.#runWords(words, command.assignments, own), words[0]);
      streams.close();
      return code;
    });
  }

  /** The exit code of a step; what it throws is told on the error stream, unless it ends the whole script. */
  async #told(frame: Frame, run: () => Promise<number>, name = 'shell'): Promise<number> {
    try {
      return await run();
    } catch (error) {
      if (frame.signal.aborted) return EXIT_INTERRUPTED;
      if (ENDS_MORE.some((kind) => error instanceof kind)) throw error;
      const usage = error instanceof UsageError;
      frame.err(`${usage ? '' : `${name}: `}${errorMessage(error)}\n`);
      return usage ? error.exitCode : 1;
    }
  }

  /** The words of a command. Those of `export A=$(…)` that assign are not split and are done here. */
  async #words(command: SimpleCommand, values: Values): Promise<string[]> {
    const words: string[] = [];
    for (const word of command.words) {
      const assignment = words[0] === 'export' ? readAssignment(word) : undefined;
      if (assignment) this.#set(assignment.name, await expandWhole(assignment.value, values));
      else words.push(...(await expandFields(word, values)));
    }
    return words;
  }

  async #runWords(words: readonly string[], assignments: readonly Assignment[], frame: Frame): Promise<number> {
    const [name, ...args] = words;
    const own = name === undefined ? this.#variables : new Map(this.#variables);
    for (const { name: variable, value } of assignments) {
      this.#set(variable, await expandWhole(value, this.#values(frame)), own);
    }
    // An assignment alone has the exit code of the substitution in it.
    const substituted = assignments.some(({ value }) => value.some((part) => part.type === 'substitution'));
    if (name === undefined) return substituted ? this.#last : 0;
    if (name === 'export') return 0;
    if (name === 'break' || name === 'continue') return this.#jump(name, args[0], frame);
    if (name === 'exit') throw new ScriptExit(args[0] === undefined ? this.#last : Number(args[0]) & 0xff);
    const program = this.#commands.get(name.replace(/^(?:\/usr(?:\/local)?)?\/bin\/|^\.\//, ''));
    if (!program) {
      frame.err(`${this.#notFound(name)}\n`);
      return EXIT_NOT_FOUND;
    }
    return runProgram(program, args, { io: { ...frame, variables: own }, world: this.#world });
  }

  async #spend({ spent, signal }: Frame): Promise<void> {
    spent.commands += 1;
    if (spent.commands > MAX_COMMANDS) throw new LimitReached(`a script may run ${MAX_COMMANDS} commands`);
    if (spent.commands % COMMANDS_A_TURN === 0 && !signal.aborted) await nextTurn();
  }

  #set(name: string, value: string, variables = this.#variables): void {
    if (value.length > MAX_WORD) throw new LimitReached(`${name}: at most 1 MiB a variable`);
    if (!variables.has(name) && variables.size >= MAX_VARIABLES)
      throw new LimitReached(`at most ${MAX_VARIABLES} variables`);
    variables.set(name, value);
  }

  #values(frame: Frame): Values {
    return {
      variable: (name) => (name === '?' ? String(this.#last) : (this.#variables.get(name) ?? '')),
      substitution: async (script) => {
        const stop = new AbortController();
        const text = createCollector(MAX_WORD, () => stop.abort());
        this.#last = await this.script(parseScript(script), {
          ...frame,
          depth: frame.depth + 1,
          out: text.write,
          signal: AbortSignal.any([frame.signal, stop.signal]),
        });
        if (text.full) throw new UsageError('$(…) wrote more than 1 MiB');
        return text.text().replace(/\n+$/, '');
      },
    };
  }
}
