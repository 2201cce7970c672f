import { errorMessage } from '#domain';
import type { Command, ShellWorld } from '../command.ts';
import { parseScript } from './parser.ts';
import { textPipe } from './pipe.ts';
import { EXIT_INTERRUPTED } from './program.ts';
import { Runner, ScriptExit } from './runner.ts';
import { ShellSyntaxError } from './syntax-error.ts';

const EXIT_SYNTAX = 2;

/** Where a script's text goes and what ends it. */
export interface ShellIo {
  out(text: string): void;
  err(text: string): void;
  /** Aborted by Ctrl+C. */
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
export function createShell<World extends ShellWorld>(options: {
  readonly commands: ReadonlyMap<string, Command<World>>;
  readonly world: World;
  /** What is said of a command that does not exist. */
  readonly notFound?: (name: string) => string;
}): Shell {
  const variables = new Map<string, string>();
  const { commands, world, notFound = (name) => `${name}: command not found. Type help for the list.` } = options;
  const runner = new Runner<World>({ commands, world, variables, notFound });
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
    run: async (text, { out, err, signal }) => {
      try {
        return await runner.script(parseScript(text), {
          out,
          err,
          signal,
          depth: 0,
          loops: 0,
          stdin: textPipe(''),
          hasStdin: false,
          spent: { commands: 0 },
        });
      } catch (error) {
        if (error instanceof ScriptExit) return error.exitCode;
        if (signal.aborted) return EXIT_INTERRUPTED;
        err(`${error instanceof ShellSyntaxError ? 'syntax error: ' : ''}${errorMessage(error)}\n`);
        return EXIT_SYNTAX;
      }
    },
  };
}
