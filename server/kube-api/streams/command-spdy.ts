import { type Readable, Writable } from 'node:stream';
import type { PodAccess, TerminalSize } from '../doors.ts';
import { type RemoteCommand, runRemoteCommand, terminalSize } from './remote-command.ts';
import { SpdySession, type SpdyStream } from './spdy/session.ts';
import { acceptSpdy, type Upgrade } from './upgrade.ts';

const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

/** Serves exec or attach over SPDY/3.1: one stream for each of the program's, told apart by the header `streamtype`. */
export async function commandOverSpdy(upgrade: Upgrade, access: PodAccess, command: RemoteCommand): Promise<void> {
  acceptSpdy(upgrade, PROTOCOLS);
  const streams = new Map<string, SpdyStream>();
  const wanted = [
    'error',
    ...(command.stdin ? ['stdin'] : []),
    ...(command.stdout ? ['stdout'] : []),
    ...(command.stderr && !command.tty ? ['stderr'] : []),
    ...(command.tty ? ['resize'] : []),
  ];
  const gone = new AbortController();
  const session = new SpdySession(upgrade.socket, (stream) => {
    streams.set(stream.headers.get('streamtype') ?? '', stream);
    if (wanted.every((type) => streams.has(type))) start();
  });
  let started = false;
  const start = (): void => {
    if (started) return;
    started = true;
    void serve({ access, command, streams, session }, gone.signal);
  };
  await session.run();
  gone.abort();
}

interface Serving {
  readonly access: PodAccess;
  readonly command: RemoteCommand;
  readonly streams: ReadonlyMap<string, SpdyStream>;
  readonly session: SpdySession;
}

async function serve({ access, command, session, streams }: Serving, signal: AbortSignal): Promise<void> {
  const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, callback) => callback() });
  const stdin: Readable | undefined = streams.get('stdin');
  const channels = {
    stdin,
    stdout: streams.get('stdout') ?? nowhere(),
    stderr: streams.get('stderr') ?? nowhere(),
    onResize: (handler: (size: TerminalSize) => void) => {
      streams.get('resize')?.on('data', (data: Buffer) => {
        const size = terminalSize(data.toString('utf8'));
        if (size) handler(size);
      });
    },
    finish: async (status: object) => {
      const error = streams.get('error');
      await new Promise<void>((resolve) => error?.end(JSON.stringify(status), resolve) ?? resolve());
      session.close();
    },
  };
  await runRemoteCommand(access, command, channels, signal);
}
