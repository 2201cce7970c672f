import type { Socket } from 'node:net';
import type { Clock } from '#domain';
import { parseClientHello } from './client-hello.ts';
import { sniffHttp } from './http-sniffer.ts';

/** Of a ClientHello. */
const MAX_BYTES = 16 * 1024;
const NOTHING = Buffer.alloc(0);

/** What the first bytes of a connection say; a listener chooses the filter chain by it. */
export interface Inspection {
  readonly transport: 'tls' | 'raw_buffer';
  /** SNI; empty on plaintext or when the client sent none. */
  readonly serverName: string;
  /** ALPN of the ClientHello; on plaintext what the HTTP inspector found: `http/1.0`, `http/1.1` or `h2c`. */
  readonly alpn: readonly string[];
  /** See ClientHello; empty on plaintext. */
  readonly ciphers: readonly number[];
  /** See ClientHello; empty on plaintext. */
  readonly versions: readonly string[];
  /** See ClientHello; false on plaintext. */
  readonly takesTickets: boolean;
  /** See ClientHello; absent on plaintext. */
  readonly groups?: readonly number[];
  /** All bytes that were looked at. They are still in the socket. */
  readonly firstBytes: Buffer;
}

export interface InspectOptions {
  readonly clock: Clock;
  /** Look for a ClientHello, as Envoy's TLS inspector; otherwise TLS counts as any other bytes. Default true. */
  readonly detectTls?: boolean;
  /** Look for HTTP in plaintext, as Envoy's HTTP inspector; otherwise what is no TLS is any other bytes. */
  readonly detectHttp: boolean;
  /** Then the bytes that have come decide; 0: wait for ever (a server that speaks first needs a limit). */
  readonly timeoutMs: number;
  /** Called then; unless it returns false, the bytes that have come decide. */
  readonly onTimeout?: () => boolean;
  /** Called when a ClientHello is longer than 16 KiB, or a request line than 64 KiB; the socket is closed. */
  readonly onTooLarge?: (what: 'hello' | 'line') => void;
  /** What was looked at counts as unread: a connection that ends meanwhile is reset, as by a kernel that closes a socket with bytes in it. */
  readonly onlyLooks?: boolean;
}

/**
 * Looks at the first bytes of a connected, unread socket (Envoy: TLS inspector and HTTP inspector) and puts them back: whoever reads the
 * socket next, also a TLS socket around it, sees them. The socket is left paused. Resolves to undefined when the peer leaves first, or comes too late.
 */
export function inspect(socket: Socket, options: InspectOptions): Promise<Inspection | undefined> {
  return new Promise((resolve) => {
    let seen: Buffer = NOTHING;
    const finish = (result: Inspection | undefined): void => {
      timer?.cancel();
      socket.removeListener('data', onData);
      socket.removeListener('end', onGone);
      socket.removeListener('close', onGone);
      socket.pause();
      if (seen.length > 0 && !socket.destroyed) socket.unshift(seen);
      // A listener that stays on the socket would keep the bytes, and all that lies in one pool with them, for the connection's life.
      seen = NOTHING;
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const result = decide(seen, options, false);
      if (typeof result === 'object') finish(result);
      else if (result !== 'incomplete') {
        options.onTooLarge?.(result);
        onGone();
      }
    };
    const onGone = (): void => {
      if (options.onlyLooks === true && seen.length > 0 && !socket.destroyed) socket.resetAndDestroy();
      else socket.destroy();
      finish(undefined);
    };
    const onTimeout = (): void => {
      const result = options.onTimeout?.() === false ? undefined : decide(seen, options, true);
      if (typeof result === 'object') finish(result);
      else onGone();
    };
    socket.on('data', onData);
    // Whoever looked before has left it paused.
    socket.resume();
    socket.on('end', onGone);
    socket.on('close', onGone);
    // 'close' follows an error and ends the inspection. Stays, so that an error before the next reader listens is not fatal.
    socket.on('error', () => undefined);
    const timer = options.timeoutMs > 0 ? options.clock.after(options.timeoutMs, onTimeout) : undefined;
    if (socket.destroyed) onGone();
  });
}

/** The result as far as the bytes allow one, or what of them is too long; `last`: no more will be read. */
function decide(
  bytes: Buffer,
  { detectTls = true, detectHttp }: Pick<InspectOptions, 'detectTls' | 'detectHttp'>,
  last: boolean,
): Inspection | 'incomplete' | 'hello' | 'line' {
  const full = bytes.length >= MAX_BYTES;
  const hello = !detectTls
    ? 'not-tls'
    : bytes.length === 0
      ? 'incomplete'
      : parseClientHello(full ? bytes.subarray(0, MAX_BYTES) : bytes);
  if (typeof hello === 'object') return { transport: 'tls', ...hello, firstBytes: ownCopy(bytes) };
  if (hello === 'incomplete' && full) return 'hello';
  if (hello === 'incomplete' && !last) return 'incomplete';
  const protocol = detectHttp ? sniffHttp(bytes) : 'none';
  if (protocol === 'too long') return 'line';
  if (protocol === 'incomplete' && !last) return 'incomplete';
  const alpn = protocol === 'none' || protocol === 'incomplete' ? [] : [protocol];
  return {
    transport: 'raw_buffer',
    serverName: '',
    alpn,
    ciphers: [],
    versions: [],
    takesTickets: false,
    firstBytes: ownCopy(bytes),
  };
}

/** What was read lies in a pool of 64 KB, which would live as long as the connection. */
function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
