import type { Clock } from '#domain';

/** The files that a shell sees: by path, relative to its home folder or starting with `~/`. */
export interface ShellFiles {
  read(path: string): string | undefined;
  /** Throws UsageError when the file may not be written. */
  write(path: string, text: string): void;
  /** False when there is no such file, or none that may be removed. */
  remove(path: string): boolean;
  /** File paths below a folder, sorted. */
  list(folder: string): readonly string[];
  /** Whether there is such a folder, empty or not; absent: where folders are only what file paths say. */
  isFolder?(path: string): boolean;
}

/** How a program runs another one; what is left out stays as the program's own. */
export interface CallOptions {
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  /** Variables that only this command sees. */
  readonly variables?: ReadonlyMap<string, string>;
}

/** What a program finds around it. */
export interface CommandIo {
  readonly stdin: AsyncIterable<string>;
  /** True when something was piped or redirected into the command. */
  readonly hasStdin: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Aborted by Ctrl+C. */
  readonly signal: AbortSignal;
  readonly variables: ReadonlyMap<string, string>;
  /** Runs another command of the same shell, as `xargs` and `timeout` do; resolves with its exit code. */
  call(words: readonly string[], options?: CallOptions): Promise<number>;
  /** Runs text of the shell's language, as `sh -c` and awk's pipes do; what it sets stays inside. */
  script(text: string, options?: CallOptions): Promise<number>;
}

/** The little that every shell brings; a room that needs more for its own commands extends it. */
export interface ShellWorld {
  readonly clock: Clock;
  readonly files: ShellFiles;
}

export interface Command<World extends ShellWorld = ShellWorld> {
  readonly name: string;
  /** One line for `help`. */
  readonly summary: string;
  /** Text of `man` and `<command> --help`. */
  readonly manual: string;
  run(args: readonly string[], io: CommandIo, world: World): Promise<number>;
  /** Candidates for the last of `words`, which follow the command's name. */
  complete?(words: readonly string[], world: World): readonly string[];
}

/** The command was used wrongly: the message is printed as it is. */
export class UsageError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
