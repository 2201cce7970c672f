/** What runs in a container. */
export interface Program {
  /**
   * Resolves when it is ready to serve, with the promise of its exit code where it ends by itself; rejects when it ends with an error.
   */
  start(): Promise<{ readonly exitCode: Promise<number> } | undefined>;
  /** The pod begins to end: works on, and tells its clients to go elsewhere. Absent: it has nothing to tell. */
  drain?(): void;
  /** Takes no new work, lets current work end for at most `drainMs`, and stops. */
  stop(drainMs: number): Promise<void>;
  /** Answers a command that the image has; undefined when it has none of that name. */
  exec?(command: readonly string[]): { readonly stdout: string; readonly exitCode: number } | undefined;
}
