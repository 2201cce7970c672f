export type { ShellFiles } from '#shell';
export type { Command, CommandIo, ShellContext } from './command.ts';
export type { Completion } from './completion.ts';
export { createShellFiles } from './files.ts';
export { createTerminal, type Terminal } from './terminal.ts';
