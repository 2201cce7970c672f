import type { Socket } from 'node:net';
import type { Clock } from '#domain';
import { type CommandIo, readAll, type ShellFiles, UsageError } from './shell.ts';

/** What openssl finds around it: the shell's files and clock, and the network of whoever runs it. */
export interface OpensslWorld {
  readonly clock: Clock;
  readonly files: ShellFiles;
  /** Opens a TCP connection; rejects with the system's error. */
  readonly dial: (host: string, port: number) => Promise<Socket>;
}

/** One verb: reads its words, writes to files or standard output. Resolves with openssl's exit code. */
export type Verb = (args: readonly string[], io: CommandIo, world: OpensslWorld) => Promise<number>;

/** The file that an option names, or standard input. UsageError in openssl's words when it is not there. */
export async function readInput(path: string | undefined, io: CommandIo, world: OpensslWorld): Promise<string> {
  if (path === undefined || path === '-') return readAll(io.stdin);
  return readFile(path, world);
}

export function readFile(path: string, world: OpensslWorld): string {
  const text = world.files.read(path);
  if (text === undefined) throw new UsageError(`Can't open "${path}" for reading, No such file or directory`);
  return text;
}

/** Writes to the file that an option names, or to standard output. */
export function writeOutput(path: string | undefined, text: string, io: CommandIo, world: OpensslWorld): void {
  if (path === undefined || path === '-') io.out(text);
  else world.files.write(path, text);
}
