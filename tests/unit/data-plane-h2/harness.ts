import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import type { ServerConnectionOptions } from '../../../server/data-plane/http/codec.ts';
import { FrameType, PREFACE } from '../../../server/data-plane/http/h2/frame.ts';
import { HpackEncoder } from '../../../server/data-plane/http/h2/hpack-encoder.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { serveHttp } from '../../../server/data-plane/http/server-codec.ts';
import { type ReceivedRequest, serveWith, type TestServer } from '../data-plane-h1/harness.ts';

export type { TestServer } from '../data-plane-h1/harness.ts';

/** A server of our codec that finds out by itself what its clients speak; `onRequest` answers. */
export const startHttp2Server = (
  onRequest: (request: ReceivedRequest) => void,
  options: Partial<ServerConnectionOptions> = {},
  codec: 'AUTO' | 'HTTP2' = 'AUTO',
): Promise<TestServer> => serveWith((socket, all) => serveHttp(socket, codec, all), onRequest, options);

/** Answers with what the request brought: its body, and its trailers as trailers. */
export function echo(request: ReceivedRequest): void {
  const answer = (): void => {
    const body = Buffer.concat(request.chunks);
    request.stream.sendHead({ status: 200, headers: Headers.of({ 'x-path': request.stream.head.path }) }, false);
    if (body.length > 0) request.stream.sendData(body);
    request.stream.sendEnd(request.trailers);
  };
  request.onEnd = answer;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
}

/** One request of Node's own HTTP/2 client. */
export function ask(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  body?: Buffer,
  trailers?: Record<string, string>,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined, waitForTrailers: trailers !== undefined });
    const chunks: Buffer[] = [];
    let head: IncomingHttpHeaders = {};
    let tail: IncomingHttpHeaders = {};
    stream.on('response', (response) => {
      head = response;
    });
    stream.on('trailers', (fields) => {
      tail = fields;
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () =>
      resolve({ status: Number(head[':status']), headers: head, body: Buffer.concat(chunks), trailers: tail }),
    );
    if (body !== undefined) stream.end(body);
  });
}

export async function nodeClient(port: number): Promise<ClientHttp2Session> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  await once(session, 'connect');
  return session;
}

/** Builds frames by hand, for what no library would send. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A header block that depends on no earlier one. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  const out = Buffer.alloc(256 + fields.reduce((sum, [name, value]) => sum + HpackEncoder.sizeOf(name, value), 0));
  let at = 0;
  for (const [name, value] of fields) {
    out[at++] = 0;
    at = text(out, at, name);
    at = text(out, at, value);
  }
  return out.subarray(0, at);
}

function text(out: Buffer, start: number, value: string): number {
  let at = start;
  if (value.length < 127) out[at++] = value.length;
  else {
    out[at++] = 127;
    let rest = value.length - 127;
    for (; rest >= 128; rest >>= 7) out[at++] = 0x80 | (rest & 127);
    out[at++] = rest;
  }
  return at + out.write(value, at, 'latin1');
}

export const GET: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'app'],
];

export const SETTINGS = frame(FrameType.SETTINGS, 0, 0);
/** What every client says first. */
export const HELLO = Buffer.concat([PREFACE, SETTINGS]);

/** The frames in `bytes`, as far as they are whole. */
export function framesOf(bytes: Buffer): { type: number; flags: number; streamId: number; payload: Buffer }[] {
  const frames = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    if (at + 9 + length > bytes.length) break;
    frames.push({
      type: bytes[at + 3]!,
      flags: bytes[at + 4]!,
      streamId: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return frames;
}
