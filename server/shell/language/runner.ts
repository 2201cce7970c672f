import { errorMessage } from '#domain';
import { type CallOptions, type Command, type ShellWorld, UsageError } from '../command.ts';
import { evaluate } from './arithmetic.ts';
import { builtins, LoopJump, ScriptExit } from './builtins.ts';
import { expandFields, expandWhole, MAX_WORD, piecesOf, type Values } from './expand.ts';
import type { Frame, Inside, RunnerOptions } from './frame.ts';
import { matchesPattern } from './glob.ts';
import { ExpansionFailed, LimitReached } from './limit.ts';
import { parseScript, readAssignment } from './parser.ts';
import { createCollector, createPipe, nextTurn, textPipe } from './pipe.ts';
import { EXIT_INTERRUPTED, runProgram } from './program.ts';
import { type OpenStreams, openStreams } from './redirects.ts';
import type {
  Assignment,
  Choice,
  Condition,
  CountedLoop,
  ForLoop,
  Pipeline,
  Redirect,
  Script,
  SimpleCommand,
  Stage,
  WhileLoop,
} from './script.ts';
import { ShellSyntaxError } from './syntax-error.ts';
import { type Variables, variableOf } from './variables.ts';
import type { Word } from './words.ts';

const EXIT_NOT_FOUND = 127;

const MAX_LOOP_TURNS = 10_000;
const MAX_COMMANDS = 50_000;
const MAX_DEPTH = 16;
/** Commands that run before the event loop gets its turn, so that Ctrl+C is heard. */
const COMMANDS_A_TURN = 32;

/** What ends more than the command that throws it. */
const ENDS_MORE = [LimitReached, ExpansionFailed, ShellSyntaxError, ScriptExit, LoopJump] as const;

const insideLoop = (frame: Frame): Frame => ({ ...frame, depth: frame.depth + 1, loops: frame.loops + 1 });

/** Walks a script. Variables and the last exit code belong to the terminal and outlive a script. */
export class Runner<World extends ShellWorld> {
  readonly #commands: ReadonlyMap<string, Command<World>>;
  readonly #world: World;
  readonly #variables: Variables;
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
    for (const { stages, negated, timed, after } of script) {
      if (frame.signal.aborted) return EXIT_INTERRUPTED;
      if ((after === 'success' && this.#last !== 0) || (after === 'failure' && this.#last === 0)) continue;
      const code = await (timed ? this.#timed(stages, frame) : this.#pipeline(stages, frame));
      this.#last = negated ? Number(code === 0) : code;
    }
    return this.#last;
  }

  /** The exit code that `$?` gives next. */
  set last(code: number) {
    this.#last = code;
  }

  /** As bash tells it. Programs here use no time of a processor of their own, so user and sys stay 0. */
  async #timed(stages: Pipeline['stages'], frame: Frame): Promise<number> {
    const startedMs = this.#world.clock.monotonic();
    const code = await this.#pipeline(stages, frame);
    const seconds = (this.#world.clock.monotonic() - startedMs) / 1000;
    const real = `${Math.floor(seconds / 60)}m${(seconds % 60).toFixed(3)}s`;
    frame.err(`\nreal\t${real}\nuser\t0m0.000s\nsys\t0m0.000s\n`);
    return code;
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
      case 'counted':
        return this.#counted(stage, frame);
      case 'case':
        return this.#case(stage, frame);
      case 'arithmetic':
        return this.#arithmetic(stage.expression, frame).then((value) => (value === 0n ? 1 : 0));
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
    const inner = this.#copy(this.#variables);
    try {
      return await inner.script(body, { ...frame, depth: frame.depth + 1, loops: 0 });
    } catch (error) {
      if (error instanceof ScriptExit) return error.exitCode;
      throw error;
    }
  }

  #copy(variables: Variables): Runner<World> {
    return new Runner<World>({
      commands: this.#commands,
      world: this.#world,
      variables: variables.copy(),
      notFound: this.#notFound,
    });
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
      this.#variables.set(loop.variable, value);
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

  async #counted(loop: CountedLoop, frame: Frame): Promise<number> {
    await this.#arithmetic(loop.first, frame);
    const holds = async (): Promise<boolean> =>
      (await expandWhole(loop.condition, this.#values(frame))).trim() === '' ||
      (await this.#arithmetic(loop.condition, frame)) !== 0n;
    let code = 0;
    for (let turns = 0; await holds(); turns++) {
      if (frame.signal.aborted) return EXIT_INTERRUPTED;
      if (turns >= MAX_LOOP_TURNS) throw new LimitReached(`a loop may turn ${MAX_LOOP_TURNS} times`);
      const turn = await this.#turn(loop.body, frame);
      code = turn.code;
      if (turn.leaves) break;
      await this.#arithmetic(loop.next, frame);
    }
    return code;
  }

  async #case({ subject, branches }: Choice, frame: Frame): Promise<number> {
    const values = this.#values(frame);
    const text = await expandWhole(subject, values);
    for (const { patterns, body } of branches)
      for (const pattern of patterns)
        if (matchesPattern(text, await piecesOf(pattern, values))) {
          this.#last = 0;
          return this.script(body, { ...frame, depth: frame.depth + 1 });
        }
    return 0;
  }

  async #arithmetic(expression: Word, frame: Frame): Promise<bigint> {
    const values = this.#values(frame);
    return evaluate(await expandWhole(expression, values), values);
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
      if (assignment) this.#variables.set(assignment.name, await expandWhole(assignment.value, values));
      else words.push(...(await expandFields(word, values)));
    }
    return words;
  }

  async #runWords(words: readonly string[], assignments: readonly Assignment[], frame: Frame): Promise<number> {
    const [name, ...args] = words;
    const own = name === undefined || name === 'read' ? this.#variables : this.#variables.copy();
    const before = name === 'read' ? assignments.map((each) => [each.name, own.get(each.name)] as const) : [];
    for (const { name: variable, value } of assignments) {
      own.set(variable, await expandWhole(value, this.#values(frame)));
    }
    // An assignment alone has the exit code of the substitution in it.
    const substituted = assignments.some(({ value }) => value.some((part) => part.type === 'substitution'));
    if (name === undefined) return substituted ? this.#last : 0;
    const builtin = builtins.get(name);
    if (builtin && !(name === 'command' && args[0] !== '-v' && args.length > 0)) {
      const state = { variables: this.#variables, last: this.#last, loops: frame.loops, knows: this.#knows };
      const code = await builtin(args, state, frame);
      // `IFS=, read a b`: what is assigned in front holds for this one command.
      for (const [variable, value] of before) value === undefined ? own.remove(variable) : own.set(variable, value);
      return code;
    }
    if (name === 'command') return this.#runWords(args, [], frame);
    return this.#program(name, args, { frame, variables: own });
  }

  #program(name: string, args: readonly string[], { frame, variables }: Inside): Promise<number> {
    const program = this.#find(name);
    if (!program) {
      frame.err(`${this.#notFound(name)}\n`);
      return Promise.resolve(EXIT_NOT_FOUND);
    }
    const call = (words: readonly string[], options: CallOptions = {}): Promise<number> =>
      this.#call(words, { frame, variables }, options);
    const script = (text: string, options: CallOptions = {}): Promise<number> =>
      this.#inside({ frame, variables }, options, (inner, own) => inner.#subShell(parseScript(text), own));
    return runProgram(program, args, { io: { ...frame, variables: variables.all, call, script }, world: this.#world });
  }

  /** A program runs another one. */
  #call([name = '', ...args]: readonly string[], inside: Inside, options: CallOptions): Promise<number> {
    return this.#inside(
      inside,
      options,
      (inner, frame) => inner.#program(name, args, { frame, variables: inner.#variables }),
      name,
    );
  }

  /** What a program runs sees the program's variables and changes none of them. */
  async #inside(
    { frame, variables }: Inside,
    options: CallOptions,
    run: (inner: Runner<World>, own: Frame) => Promise<number>,
    name?: string,
  ): Promise<number> {
    if (frame.depth > MAX_DEPTH) throw new LimitReached(`nested more than ${MAX_DEPTH} deep`);
    await this.#spend(frame);
    const own: Frame = {
      ...frame,
      depth: frame.depth + 1,
      signal: options.signal ?? frame.signal,
      ...(options.stdin === undefined ? {} : { stdin: textPipe(options.stdin), hasStdin: true }),
    };
    const inner = this.#copy(variables);
    for (const [variable, value] of options.variables ?? []) inner.#variables.set(variable, value);
    return this.#told(own, () => run(inner, own), name);
  }

  #find(name: string): Command<World> | undefined {
    return this.#commands.get(name.replace(/^(?:\/usr(?:\/local)?)?\/bin\/|^\.\//, ''));
  }

  readonly #knows = (name: string): boolean => this.#find(name) !== undefined;

  async #spend({ spent, signal }: Frame): Promise<void> {
    spent.commands += 1;
    if (spent.commands > MAX_COMMANDS) throw new LimitReached(`a script may run ${MAX_COMMANDS} commands`);
    if (spent.commands % COMMANDS_A_TURN === 0 && !signal.aborted) await nextTurn();
  }

  #values(frame: Frame): Values {
    return {
      variable: (name) => variableOf(name, this.#variables, this.#last),
      assign: (name, text) => this.#variables.set(name, text),
      paths: (absolute) => this.#world.files.list(absolute ? '/' : ''),
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
