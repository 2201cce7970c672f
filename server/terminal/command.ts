import type { Clock } from '#domain';
import type { ApplyOutcome, ManifestFile, Sandbox } from '#sandbox';
import type { ShellFiles } from './files.ts';

/** What a command finds around it. */
export interface CommandIo {
  readonly stdin: AsyncIterable<string>;
  /** True when something was piped or redirected into the command. */
  readonly hasStdin: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Aborted by Ctrl+C. */
  readonly signal: AbortSignal;
  readonly variables: ReadonlyMap<string, string>;
}

/** What the terminal may reach: one learner's sandbox and files, nothing of the host. */
export interface ShellContext {
  readonly sandbox: Sandbox;
  readonly clock: Clock;
  readonly files: ShellFiles;
  /** Applies as the editor does, so that the push is numbered and shown. `names` are files of the shell or "stdin". */
  apply(
    files: readonly ManifestFile[],
    options: { readonly namespace: string; readonly title: string },
  ): Promise<ApplyOutcome>;
  /** A fresh id for a write of the terminal's own. */
  mintChangeId(): string;
  /** Tells the lab that a command wrote to the store under this change id. */
  changed(changeId: string, title: string): void;
}

export interface Command {
  readonly name: string;
  /** One line for `help`. */
  readonly summary: string;
  /** Text of `man` and `<command> --help`. */
  readonly manual: string;
  run(args: readonly string[], io: CommandIo, context: ShellContext): Promise<number>;
  /** Candidates for the last of `words`, which follow the command's name. */
  complete?(words: readonly string[], context: ShellContext): readonly string[];
}

/** The command was used wrongly: the message is printed as it is. */
export class UsageError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
