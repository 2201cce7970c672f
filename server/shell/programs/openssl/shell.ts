export { type CommandIo, type ShellFiles, UsageError } from '../../command.ts';
export { readAll } from '../../language/pipe.ts';
