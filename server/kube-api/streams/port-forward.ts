import { type Duplex, PassThrough, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createWebSocketStream, type RawData, type WebSocket } from 'ws';
import type { KubeObject } from '#domain';
import type { PodAccess } from '../doors.ts';
import { badRequest } from '../status-error.ts';
import { SpdySession, type SpdyStream } from './spdy/session.ts';
import { acceptSpdy, acceptWebSocket, protocolNames, type Upgrade } from './upgrade.ts';

const SPDY_PROTOCOL = 'portforward.k8s.io';
const TUNNEL = `SPDY/3.1+${SPDY_PROTOCOL}`;
const CHANNELS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

/** Where the connections of a port-forward go. */
export interface ForwardTarget {
  readonly access: PodAccess;
  readonly pod: KubeObject;
}

/** Serves port-forward by the protocol that the client speaks: SPDY, SPDY inside a WebSocket, or channels of a WebSocket. */
export async function portForward(upgrade: Upgrade, target: ForwardTarget, ports: readonly number[]): Promise<void> {
  if (upgrade.request.headers.upgrade?.toLowerCase() !== 'websocket') {
    acceptSpdy(upgrade, [SPDY_PROTOCOL]);
    await forwardStreams(upgrade.socket, target);
  } else if (protocolNames(upgrade.request, 'sec-websocket-protocol').includes(TUNNEL)) {
    const socket = await acceptWebSocket(upgrade, [TUNNEL]);
    await forwardStreams(createWebSocketStream(socket), target);
  } else {
    if (ports.length === 0) throw badRequest('query parameter "ports" is required');
    forwardChannels(await acceptWebSocket(upgrade, CHANNELS), target, ports);
  }
}

/** A pair of streams for each connection: `data`, and `error` for the reason when it fails. */
async function forwardStreams(connection: Duplex, target: ForwardTarget): Promise<void> {
  const waiting = new Map<string, SpdyStream>();
  const gone = new AbortController();
  const session = new SpdySession(connection, (stream) => {
    const id = stream.headers.get('requestid') ?? '';
    const other = waiting.get(id);
    if (!other) {
      waiting.set(id, stream);
      return;
    }
    waiting.delete(id);
    const isData = stream.headers.get('streamtype') === 'data';
    const pair = isData ? { data: stream, error: other } : { data: other, error: stream };
    void forwardPair(pair, target, gone.signal);
  });
  await session.run();
  gone.abort();
}

interface StreamPair {
  readonly data: SpdyStream;
  readonly error: SpdyStream;
}

async function forwardPair(
  { data, error }: StreamPair,
  { access, pod }: ForwardTarget,
  signal: AbortSignal,
): Promise<void> {
  const port = Number(data.headers.get('port'));
  try {
    const connection = await access.portForward(pod, port, signal);
    await join(data, connection);
  } catch (reason) {
    error.write(failure(pod, port, reason));
  }
  data.end();
  error.end();
}

function failure({ metadata }: KubeObject, port: number, reason: unknown): string {
  const why = reason instanceof Error ? reason.message : String(reason);
  return `error forwarding port ${port} to pod ${metadata.name}, uid ${metadata.uid ?? ''}: ${why}`;
}

/** Copies both ways until both sides have ended; an end that breaks off is an end. */
async function join(client: Duplex, pod: Duplex): Promise<void> {
  const copy = async (from: Duplex, to: Duplex): Promise<void> => {
    try {
      await pipeline(from, to);
    } catch {
      // One side hung up: the other is closed with it.
      from.destroy();
      to.destroy();
    }
  };
  await Promise.all([copy(client, pod), copy(pod, client)]);
}

/** One connection for each port of the query: channel 2i carries data, 2i + 1 errors; each begins with its port. */
function forwardChannels(socket: WebSocket, { access, pod }: ForwardTarget, ports: readonly number[]): void {
  const gone = new AbortController();
  const inputs = ports.map(() => new PassThrough());
  socket.on('close', () => gone.abort());
  // A broken connection is closed next, and that is what counts.
  socket.on('error', () => undefined);
  socket.on('message', (data: RawData) => {
    const message = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
    const channel = message[0] ?? 255;
    if (channel % 2 === 0) inputs[channel / 2]?.write(message.subarray(1));
  });
  const send = (channel: number, data: Uint8Array, done: () => void): void => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.from([channel]), data]), done);
    else done();
  };
  for (const [index, port] of ports.entries()) {
    const head = Buffer.alloc(2);
    head.writeUInt16LE(port);
    for (const channel of [2 * index, 2 * index + 1]) send(channel, head, () => undefined);
    const output = new Writable({ write: (chunk: Buffer, _encoding, done) => send(2 * index, chunk, done) });
    const input = inputs[index] ?? new PassThrough();
    void access.portForward(pod, port, gone.signal).then(
      (connection) => {
        gone.signal.addEventListener('abort', () => connection.destroy());
        // Ends of a connection are no events of this protocol: the client sees the other end close.
        void pipeline(input, connection).catch(() => connection.destroy());
        void pipeline(connection, output).then(
          () => socket.close(1000),
          () => socket.close(1000),
        );
      },
      (reason: unknown) => send(2 * index + 1, Buffer.from(failure(pod, port, reason)), () => socket.close(1000)),
    );
  }
}
