import type { Command, CommandIo, ShellWorld } from '../command.ts';

export const EXIT_INTERRUPTED = 130;

/** How long a command may take to end after Ctrl+C before it is left behind. */
const GRACE_MS = 300;

/** Runs a program; after Ctrl+C it has a moment to end by itself, then it is left behind and can no longer write. */
export async function runProgram<World extends ShellWorld>(
  program: Command<World>,
  args: readonly string[],
  { io, world }: { readonly io: CommandIo; readonly world: World },
): Promise<number> {
  const { signal, stdin, hasStdin, variables, call, script } = io;
  if (signal.aborted) return EXIT_INTERRUPTED;
  let over = false;
  const guarded: CommandIo = {
    stdin,
    hasStdin,
    signal,
    variables,
    call,
    script,
    out: (text) => (over ? undefined : io.out(text)),
    err: (text) => (over ? undefined : io.err(text)),
  };
  const ended = new AbortController();
  const leftBehind = new Promise<number>((resolve) => {
    const wait = (): void => {
      const timer = world.clock.after(GRACE_MS, () => resolve(EXIT_INTERRUPTED));
      ended.signal.addEventListener('abort', () => timer.cancel(), { once: true });
    };
    signal.addEventListener('abort', wait, { once: true, signal: ended.signal });
  });
  try {
    return await Promise.race([program.run(args, guarded, world), leftBehind]);
  } finally {
    over = true;
    ended.abort();
  }
}
