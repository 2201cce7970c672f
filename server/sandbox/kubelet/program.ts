/** What runs in a container. */
export interface Program {
  /**
   * Resolves when it is ready to serve, with the promise of its exit code where it ends by itself; rejects when it ends with an error.
   */
  start(): Promise<{ readonly exitCode: Promise<number> } | undefined>;
  /** Takes no new work, lets current work end for at most `drainMs`, and stops. */
  stop(drainMs: number): Promise<void>;
  /** Answers a command that the image has; undefined when it has none of that name. */
  exec?(command: readonly string[]): { readonly stdout: string; readonly exitCode: number } | undefined;
}
