import type { CommandIo, ShellContext } from '../../command.ts';

/** One verb of a command with verbs: `kubectl get`, `istioctl analyze`. */
export interface Verb {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly manual: string;
  run(args: readonly string[], io: CommandIo, context: ShellContext): Promise<number>;
  complete?(words: readonly string[], context: ShellContext): readonly string[];
}
