import type { Clock } from '#domain';
import type { ApplyOutcome, ManifestFile, Sandbox } from '#sandbox';
import type { Command as ShellCommand, ShellFiles, ShellWorld } from '#shell';
import type { HandClient } from '#xds';

export { type CommandIo, UsageError } from '#shell';

/** What the terminal may reach: one learner's sandbox and files, nothing of the host. */
export interface ShellContext extends ShellWorld {
  readonly sandbox: Sandbox;
  readonly clock: Clock;
  readonly files: ShellFiles;
  /** What `kubectl config` keeps, one for all tabs. */
  readonly kube: { namespace: string };
  /** The xDS client of the command `xds`, one for all tabs. */
  readonly xds: HandClient;
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

/** A command of the terminal. */
export type Command = ShellCommand<ShellContext>;
