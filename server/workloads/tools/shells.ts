import type { ContainerContext, WorkloadImage } from '../doors.ts';

/** What each image runs when the container names no command. Without a terminal a shell has nothing to read and ends at once. */
const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  busybox: ['sh'],
  alpine: ['sh'],
  ubuntu: ['bash'],
  debian: ['bash'],
  curl: ['curl', '--help'],
  sleep: ['sleep', 'infinity'],
  client: ['sleep', 'infinity'],
  netshoot: ['sh'],
  pause: ['sleep', 'infinity'],
};

/** Images that bring programs rather than a server: they run what the container says, mostly `sleep infinity`, and are used by exec. */
export const shellImages: readonly WorkloadImage[] = Object.entries(DEFAULTS).map(([name, fallback]) => ({
  name,
  start: async (context) => run(context, fallback, ENTRIES[name]),
}));

/** Images that put a program of their own before arguments that name none. */
const ENTRIES: Readonly<Record<string, string>> = { curl: 'curl' };

/** `sh`, `/bin/sh`: what a container may start. Options, addresses and the like are arguments. */
const PROGRAM = /^(?:\/.*|[a-z][\w+-]*)$/i;

function run(context: ContainerContext, fallback: readonly string[], entry: string | undefined): void {
  const { args } = context;
  const isForEntry =
    entry !== undefined && context.command.length === 0 && args.length > 0 && !PROGRAM.test(args[0] ?? '');
  const given = isForEntry ? [entry, ...args] : [...context.command, ...args];
  const command = given.length > 0 ? given : fallback;
  if (waitsForever(command)) {
    context.log('waiting');
    return;
  }
  context.exits(context.run(command));
}

/** `sleep infinity`, `tail -f /dev/null`: nothing happens until the container is stopped. */
const waitsForever = ([program = '', first, second]: readonly string[]): boolean => {
  const name = program.split('/').at(-1);
  return (
    (name === 'sleep' && /^(inf|infinity|\d+d)$/.test(first ?? '')) ||
    (name === 'tail' && first === '-f' && second === '/dev/null')
  );
};
