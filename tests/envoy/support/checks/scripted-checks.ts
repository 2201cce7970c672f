import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';

/** How a host meets one check: with these bytes, with an answer of HTTP/2, or otherwise. */
export type Meeting =
  | { readonly bytes: string; readonly closes?: true }
  | {
      readonly h2: Readonly<Record<string, string | number>>;
      readonly body?: string;
      readonly trailers?: Readonly<Record<string, string>>;
    }
  | { readonly how: 'close' | 'reset' | 'hang' };

/** A host that meets each check as its script says, and the last check of all by never answering. */
export interface ScriptedHost {
  readonly port: number;
  /** What each check said. */
  readonly checks: readonly string[];
  stop(): void;
}

export interface Script {
  readonly kind: 'bytes' | 'connections' | 'h2';
  /** Bytes that make a check, for those that are none of HTTP. */
  readonly length?: number;
  readonly meetings: readonly Meeting[];
}

const HANG: Meeting = { how: 'hang' };

export async function startScriptedHost(ip: string, script: Script): Promise<ScriptedHost> {
  const checks: string[] = [];
  const open = new Set<Socket>();
  const next = (said: string): Meeting => {
    const meeting = script.meetings[checks.length] ?? HANG;
    checks.push(said);
    return meeting;
  };
  const server = script.kind === 'h2' ? h2Host(next) : bytesHost(script, next);
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, ip, () => resolve((server.address() as { port: number }).port));
  });
  return {
    port,
    checks,
    stop() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function bytesHost({ kind, length }: Script, next: (said: string) => Meeting): Server {
  return createServer((socket) => {
    let said = '';
    if (kind === 'connections') {
      meet(socket, next(''));
      return;
    }
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      for (let end = endOf(said, length); end > 0; end = endOf(said, length)) {
        const check = said.slice(0, end);
        said = said.slice(end);
        meet(socket, next(check));
      }
    });
  });
}

/** Where a check ends; 0: not yet. */
function endOf(said: string, length: number | undefined): number {
  if (length !== undefined) return said.length >= length ? length : 0;
  const head = said.indexOf('\r\n\r\n') + 4;
  if (head < 4) return 0;
  const body = Number(/content-length: (\d+)/i.exec(said.slice(0, head))?.[1] ?? 0);
  return said.length >= head + body ? head + body : 0;
}

function meet(socket: Socket, meeting: Meeting): void {
  if ('bytes' in meeting) {
    socket.write(meeting.bytes, 'latin1');
    if (meeting.closes === true) socket.end();
  } else if ('how' in meeting && meeting.how === 'close') socket.end();
  else if ('how' in meeting && meeting.how === 'reset') socket.resetAndDestroy();
}

function h2Host(next: (said: string) => Meeting): Server {
  const server = createHttp2Server();
  server.on('sessionError', () => undefined);
  server.on('stream', (stream: ServerHttp2Stream, _headers, _flags, rawHeaders) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const raw = rawHeaders as unknown as readonly string[];
      // Their order is HTTP/2's own affair.
      const head = raw.flatMap((name, i) => (i % 2 === 0 ? [`${name}=${raw[i + 1]};`] : [])).sort();
      answerStream(stream, next(`${head.join(' ')} ${Buffer.concat(chunks).toString('latin1')}`));
    });
  });
  return server as unknown as Server;
}

function answerStream(stream: ServerHttp2Stream, meeting: Meeting): void {
  if ('how' in meeting && meeting.how === 'reset') stream.close(2);
  if (!('h2' in meeting)) return;
  const { body, trailers } = meeting;
  const endStream = body === undefined && trailers === undefined;
  stream.respond(meeting.h2, { endStream, waitForTrailers: trailers !== undefined });
  stream.once('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
  if (!endStream) stream.end(Buffer.from(body ?? '', 'latin1'));
}
