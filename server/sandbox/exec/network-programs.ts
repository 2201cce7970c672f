import { type Command, type CommandIo, readAll, runCurl, UsageError } from '#shell';
import { nameCommands } from './name-programs.ts';
import type { PodWorld } from './pod-world.ts';

const CONNECT_LIMIT_MS = 10_000;
const AFTER_INPUT_MS = 1000;
const MAX_OUTPUT = 1_048_576;

const command = (name: string, summary: string, run: Command<PodWorld>['run']): Command<PodWorld> => ({
  name,
  summary,
  manual: name,
  run,
});

/** Busybox's wget: `-q`, `-O -`, `-S`, `-T seconds`, `--header`, `--spider`. */
const wget = command('wget', 'fetch a URL', async (args, io, world) => {
  const curlArgs = ['-sS', '-f', '-L'];
  let toFile: string | undefined = '';
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const [flag = '', inline] = arg.startsWith('--') ? arg.split(/=(.*)/s) : [arg];
    const next = (): string => inline ?? args[++at] ?? '';
    if (flag === '-O' || flag === '--output-document') toFile = next();
    else if (/^-q?O-$/.test(flag) || flag === '-qO') toFile = flag === '-qO' ? next() : '-';
    else if (flag === '-T' || flag === '--timeout') curlArgs.push('-m', next());
    else if (flag === '--header') curlArgs.push('-H', next());
    else if (flag === '--post-data') curlArgs.push('-d', next());
    else if (flag === '-S' || flag === '--server-response') curlArgs.push('-i');
    else if (flag === '--no-check-certificate') curlArgs.push('-k');
    else if (flag === '--spider') toFile = '/dev/null';
    else if (flag === '-t' || flag === '--tries') next();
    else if (!flag.startsWith('-')) curlArgs.push(flag);
  }
  if (toFile !== '-' && toFile !== '') curlArgs.push('-o', toFile);
  const code = await runCurl(curlArgs, {
    io: { ...io, err: (text) => io.err(text.replace(/^curl: \(\d+\) /, 'wget: ')) },
    clock: world.clock,
    fetch: world.fetch,
    save: (path, text) => world.files.write(path, text),
  });
  return code === 0 ? 0 : 1;
});

/** `echo hi | nc host port`, `nc -z host port`: sends what is piped in, prints what comes back until the other side ends. */
const nc = command('nc', 'talk TCP', async (args, io, world) => {
  const letters = args.filter((arg) => /^-[a-zA-Z]+$/.test(arg)).join('');
  const waits = args.indexOf('-w');
  const words = args.filter((arg, at) => !arg.startsWith('-') && (waits < 0 || at !== waits + 1));
  const [host, port] = words;
  if (host === undefined || port === undefined) throw new UsageError('usage: nc [-z] [-v] [-w seconds] host port');
  const socket = await world.dial(host, Number(port)).catch((error: NodeJS.ErrnoException) => {
    io.err(`nc: ${host} (${port}): ${error.code === 'ENOTFOUND' ? 'bad address' : 'Connection refused'}\n`);
    return undefined;
  });
  if (socket === undefined) return 1;
  if (letters.includes('v')) io.err(`${host} (${port}) open\n`);
  if (letters.includes('z')) {
    socket.destroy();
    return 0;
  }
  const limitMs = waits < 0 ? CONNECT_LIMIT_MS : Number(args[waits + 1]) * 1000;
  return converse(socket, { io, world, limitMs });
});

async function converse(
  socket: Awaited<ReturnType<PodWorld['dial']>>,
  { io, world, limitMs }: { readonly io: CommandIo; readonly world: PodWorld; readonly limitMs: number },
): Promise<number> {
  let seen = 0;
  const ended = new Promise<number>((resolve) => {
    let timer = world.clock.after(limitMs, () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      seen += bytes.length;
      if (seen > MAX_OUTPUT) socket.destroy();
      else io.out(bytes.toString('utf8'));
      timer.cancel();
      timer = world.clock.after(limitMs, () => socket.destroy());
    });
    socket.once('error', () => resolve(1));
    socket.once('close', () => {
      timer.cancel();
      resolve(0);
    });
    io.signal.addEventListener('abort', () => socket.destroy(), { once: true });
  });
  if (io.hasStdin) {
    socket.write(await readAll(io.stdin));
    // As `nc -q 1`: answers may come for a second after the input's end.
    world.clock.after(AFTER_INPUT_MS, () => socket.end());
  }
  return ended;
}

const sockets = (name: string): Command<PodWorld> =>
  command(name, 'listening ports', async (_args, io, { listeners }) => {
    const rows = listeners().map(({ ip, port }) => `LISTEN  0       511     ${`${ip}:${port}`.padEnd(22)} 0.0.0.0:*`);
    io.out(['State   Recv-Q  Send-Q  Local Address:Port     Peer Address:Port', ...rows, ''].join('\n'));
    return 0;
  });

export const networkCommands: readonly Command<PodWorld>[] = [
  wget,
  ...nameCommands,
  nc,
  sockets('ss'),
  sockets('netstat'),
];
