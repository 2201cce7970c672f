export type { Command, CommandIo, ShellContext } from './command.ts';
export { createShellFiles, type ShellFiles } from './files.ts';
export { type Completion, createTerminal, type Terminal } from './terminal.ts';
