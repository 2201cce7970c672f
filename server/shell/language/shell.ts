import { errorMessage } from '#domain';
import type { Command, ShellWorld } from '../command.ts';
import { ScriptExit } from './builtins.ts';
import { ExpansionFailed } from './limit.ts';
import { parseScript } from './parser.ts';
import { inputOf, textPipe } from './pipe.ts';
import { EXIT_INTERRUPTED } from './program.ts';
import { Runner } from './runner.ts';
import { ShellSyntaxError } from './syntax-error.ts';
import { Variables } from './variables.ts';

const EXIT_SYNTAX = 2;

/** Where a script's text goes and what ends it. */
export interface ShellIo {
  out(text: string): void;
  err(text: string): void;
  /** Aborted by Ctrl+C. */
  readonly signal: AbortSignal;
  /** What the script's commands read; absent: nothing. */
  readonly stdin?: AsyncIterable<string>;
}

export interface Shell {
  /** Runs a script; resolves with its exit code. Never throws for what the learner typed. */
  run(text: string, io: ShellIo): Promise<number>;
  /** True when the text needs more lines (open quote, here-document, loop). */
  needsMore(text: string): boolean;
  readonly variables: Map<string, string>;
}

/** Runs our own small shell language over the allow-list of commands. There is no host shell behind it. */
export function createShell<World extends ShellWorld>(options: {
  readonly commands: ReadonlyMap<string, Command<World>>;
  readonly world: World;
  /** What is said of a command that does not exist. */
  readonly notFound?: (name: string) => string;
}): Shell {
  const variables = new Map<string, string>();
  const { commands, world, notFound = (name) => `${name}: command not found. Type help for the list.` } = options;
  const runner = new Runner<World>({ commands, world, variables: new Variables(variables), notFound });
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
    run: async (text, { out, err, signal, stdin }) => {
      try {
        return await runner.script(parseScript(text), {
          out,
          err,
          signal,
          depth: 0,
          loops: 0,
          stdin: stdin === undefined ? textPipe('') : inputOf(stdin),
          hasStdin: stdin !== undefined,
          spent: { commands: 0 },
        });
      } catch (error) {
        if (error instanceof ScriptExit) return error.exitCode;
        if (signal.aborted) return EXIT_INTERRUPTED;
        const code = error instanceof ExpansionFailed ? error.exitCode : EXIT_SYNTAX;
        runner.last = code;
        err(`${error instanceof ShellSyntaxError ? 'syntax error: ' : ''}${errorMessage(error)}\n`);
        return code;
      }
    },
  };
}
