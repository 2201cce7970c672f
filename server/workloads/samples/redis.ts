import type { Socket } from 'node:net';
import type { Clock } from '#domain';
import type { WorkloadImage } from '../doors.ts';

/** Longest command that a client may send in one piece, in bytes. */
const MAX_PENDING = 65_536;
const MAX_KEYS = 10_000;

interface Held {
  readonly value: string;
  /** Clock.now(); undefined: for ever. */
  readonly endsAt: number | undefined;
}

/** A small Redis on 6379: strings and counters that may expire, in RESP2. What it does not know it answers with an error. */
export const redisImage: WorkloadImage = {
  name: 'redis',
  start: async (context) => {
    const keys = new Map<string, Held>();
    await context.listenTcp(6379, (socket) => serve(socket, (words) => execute(words, keys, context.clock)));
    context.log('Ready to accept connections tcp');
  },
};

function serve(socket: Socket, run: (words: readonly string[]) => string): void {
  let pending = '';
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  socket.on('data', (chunk) => {
    pending += chunk.toString('latin1');
    for (let read = readCommand(pending); read !== undefined; read = readCommand(pending)) {
      pending = pending.slice(read.length);
      if (read.words.length > 0) socket.write(run(read.words), 'latin1');
    }
    if (pending.length > MAX_PENDING) socket.end('-ERR Protocol error: too big mbulk count string\r\n');
  });
}

/** The first command of `text`, an array of bulk strings or a line of words, and its length; undefined while it is not complete. */
function readCommand(text: string): { readonly words: readonly string[]; readonly length: number } | undefined {
  const end = text.indexOf('\r\n');
  if (end < 0) return undefined;
  const first = text.slice(0, end);
  if (!first.startsWith('*')) return { words: first.split(' ').filter((word) => word !== ''), length: end + 2 };
  const words: string[] = [];
  let at = end + 2;
  for (let left = Number(first.slice(1)); left > 0; left--) {
    const mark = text.indexOf('\r\n', at);
    if (mark < 0) return undefined;
    const size = Number(text.slice(at + 1, mark));
    if (!Number.isSafeInteger(size) || size < 0) return { words: ['invalid bulk length'], length: text.length };
    const from = mark + 2;
    if (text.length < from + size + 2) return undefined;
    words.push(text.slice(from, from + size));
    at = from + size + 2;
  }
  return { words, length: at };
}

const OK = '+OK\r\n';
const integer = (value: number): string => `:${value}\r\n`;
const bulk = (value: string | undefined): string =>
  value === undefined ? '$-1\r\n' : `$${value.length}\r\n${value}\r\n`;

function execute(
  [name = '', key = '', argument = '']: readonly string[],
  keys: Map<string, Held>,
  clock: Clock,
): string {
  const now = clock.now();
  const found = keys.get(key);
  const held = found?.endsAt !== undefined && found.endsAt <= now ? undefined : found;
  switch (name.toUpperCase()) {
    case 'PING':
      return key === '' ? '+PONG\r\n' : bulk(key);
    case 'GET':
      return bulk(held?.value);
    case 'SET':
      return put(keys, key, { value: argument, endsAt: undefined }) ?? OK;
    case 'INCR':
    case 'INCRBY': {
      const value = Number(held?.value ?? 0) + (name.toUpperCase() === 'INCR' ? 1 : Number(argument));
      if (!Number.isSafeInteger(value)) return '-ERR value is not an integer or out of range\r\n';
      return put(keys, key, { value: String(value), endsAt: held?.endsAt }) ?? integer(value);
    }
    case 'EXPIRE':
      if (held === undefined) return integer(0);
      return put(keys, key, { ...held, endsAt: now + Number(argument) * 1000 }) ?? integer(1);
    case 'TTL':
      if (held === undefined) return integer(-2);
      return integer(held.endsAt === undefined ? -1 : Math.ceil((held.endsAt - now) / 1000));
    case 'DEL':
      keys.delete(key);
      return integer(held === undefined ? 0 : 1);
    default:
      return `-ERR unknown command '${name}'\r\n`;
  }
}

/** The error when there is no room. */
function put(keys: Map<string, Held>, key: string, held: Held): string | undefined {
  if (!keys.has(key) && keys.size >= MAX_KEYS) return "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
  keys.set(key, held);
  return undefined;
}
