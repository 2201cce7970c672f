import { PassThrough, Writable } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { PodAccess, TerminalSize } from '../doors.ts';
import { type CommandChannels, type RemoteCommand, runRemoteCommand, terminalSize } from './remote-command.ts';
import { acceptWebSocket, type Upgrade } from './upgrade.ts';

const Channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

/** Serves exec or attach over a WebSocket: binary messages whose first byte is the channel. */
export async function commandOverWebSocket(upgrade: Upgrade, access: PodAccess, command: RemoteCommand): Promise<void> {
  const socket = await acceptWebSocket(upgrade, PROTOCOLS);
  const gone = new AbortController();
  socket.on('close', () => gone.abort());
  // A broken connection is closed next, and that is what counts.
  socket.on('error', () => undefined);
  await runRemoteCommand(access, command, channelsOf(socket, command), gone.signal);
}

function channelsOf(socket: WebSocket, command: RemoteCommand): CommandChannels {
  const stdin = command.stdin ? new PassThrough() : undefined;
  const resize: ((size: TerminalSize) => void)[] = [];
  socket.on('message', (data: RawData) => {
    const message = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
    const body = message.subarray(1);
    switch (message[0]) {
      case Channel.stdin:
        if (stdin && !stdin.writableEnded && body.length > 0 && !stdin.write(body)) {
          socket.pause();
          stdin.once('drain', () => socket.resume());
        }
        break;
      case Channel.resize: {
        const size = terminalSize(body.toString('utf8'));
        if (size) for (const handler of resize) handler(size);
        break;
      }
      case Channel.close:
        if (body[0] === Channel.stdin) stdin?.end();
        break;
    }
  });
  socket.on('close', () => stdin?.end());
  return {
    stdin,
    stdout: output(socket, Channel.stdout, command.stdout),
    stderr: output(socket, Channel.stderr, command.stderr && !command.tty),
    onResize: (handler) => void resize.push(handler),
    finish: async (status) => {
      await send(socket, Channel.error, Buffer.from(JSON.stringify(status)));
      socket.close(1000);
    },
  };
}

function send(socket: WebSocket, channel: number, data: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== socket.OPEN) resolve();
    // A message that cannot be sent any more belongs to a client that is gone.
    else socket.send(Buffer.concat([Buffer.from([channel]), data]), { binary: true }, () => resolve());
  });
}

/** A stream into a channel; what the client did not ask for is dropped. */
function output(socket: WebSocket, channel: number, wanted: boolean): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, callback) => {
      if (wanted) void send(socket, channel, chunk).then(() => callback());
      else callback();
    },
  });
}
