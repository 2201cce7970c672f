import { type FlagSpec, type Flags, value } from '#shell';
import type { CommandIo, ShellContext } from '../command.ts';

/** One verb of a command with verbs: `kubectl get`, `istioctl analyze`. */
export interface Verb {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly manual: string;
  /** Its flags besides those that every verb knows. */
  readonly flags: FlagSpec;
  /** It only says why it does nothing: its flags are not read. */
  readonly anyFlags?: boolean;
  run(flags: Flags, io: CommandIo, context: ShellContext): Promise<number>;
  /** Candidates for the last of the words that are not flags. */
  complete?(typed: Typed, context: ShellContext): readonly string[];
}

/** What stands before the cursor. */
export interface Typed {
  /** Words that are not flags; the last is being typed and may be empty. */
  readonly words: readonly string[];
  readonly namespace: string;
}

/** Flags of every verb. */
export const globalFlags: FlagSpec = { namespace: value('n'), context: value(), kubeconfig: value() };

export const namespaceOf = (flags: Flags, { kube }: Pick<ShellContext, 'kube'>): string =>
  flags.text('namespace') ?? kube.namespace;
