import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { FrameType } from '../../../server/data-plane/http/h2/frame.ts';
import { HpackDecoder } from '../../../server/data-plane/http/h2/hpack-decoder.ts';
import { field, frame } from './frames.ts';
import type { TwoProxies } from './pairs/two-proxies.ts';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const HELLO = Buffer.concat([PREFACE, frame(FrameType.SETTINGS, 0, 0)]);
const QUIET_MS = 300;
const FRAME_HEAD = 9;

/** A header block of a request, without further headers. */
export const requestBlock = (path: string, method = 'GET'): Buffer =>
  Buffer.concat([field(':method', method), field(':scheme', 'http'), field(':path', path), field(':authority', 'a')]);

/** A whole request without a body. */
export const get = (streamId: number, path: string): Buffer =>
  frame(FrameType.HEADERS, 5, streamId, requestBlock(path));

/** What a script does on a connection that stands. */
export type Script = (socket: Socket) => Promise<void>;

/** What is left behind: what the client was told, lines of the log, figures that moved. */
export interface Left {
  readonly told: readonly string[];
  readonly log: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

/** One of the two proxies. `unlike`: figures that are no part of the comparison; `hearsBreaks`: how the connection breaks is one. */
interface WayIn {
  readonly side: TwoProxies['ours'];
  readonly port: number;
  readonly unlike: RegExp;
  readonly hearsBreaks?: boolean;
}

/** Runs a script at it. */
export async function leftBy(script: Script, { side, port, unlike, hearsBreaks = false }: WayIn): Promise<Left> {
  const read = async () => {
    const figures = await side.figures(/http/);
    return new Map([...figures].filter(([name]) => !unlike.test(name)));
  };
  const [before, lines] = [await read(), side.logLines().length];
  const socket = connect({ host: side.ip, port, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  const broken: string[] = [];
  socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => broken.push(code));
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await script(socket);
  const told = [...toldBy(Buffer.concat(chunks)), ...(hearsBreaks ? broken : [])];
  socket.destroy();
  await pause(QUIET_MS);
  const grown = [...(await read())]
    .map(([name, value]) => [name.replace(`${side.ip}_`, ''), Number(value) - Number(before.get(name) ?? 0)] as const)
    .filter(([, by]) => by !== 0 && !Number.isNaN(by));
  return { told, log: factsOf(side.logLines().slice(lines)), figures: Object.fromEntries(grown) };
}

/** Frames of streams in a few words, and bytes of HTTP/1.1 as their first line. */
function toldBy(bytes: Buffer): string[] {
  if (bytes.subarray(0, 5).toString('latin1') === 'HTTP/') {
    const heads = bytes.toString('latin1').matchAll(/HTTP\/1\.1 (\d+)[\s\S]*?\r\n\r\n/g);
    return [...heads].map(([head, status]) => `${status} ${/^connection: (.*)\r$/im.exec(head)?.[1] ?? 'stays'}`);
  }
  const decoder = new HpackDecoder({ maxListBytes: 65_536, maxFields: 100, maxTableBytes: 4096 });
  const told: string[] = [];
  for (let at = 0; at + FRAME_HEAD <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    const [type, flags, streamId] = [bytes[at + 3]!, bytes[at + 4]!, bytes.readUInt32BE(at + 5)];
    const payload = bytes.subarray(at + FRAME_HEAD, at + FRAME_HEAD + length);
    at += FRAME_HEAD + length;
    if (type === FrameType.HEADERS) {
      decoder.decode(payload, 0, payload.length);
      told.push(`${streamId}: ${headersOf(decoder.fields)}`);
    } else if (type === FrameType.DATA && length > 0) told.push(`${streamId}: ${length} bytes`);
    else if (type === FrameType.RST_STREAM) told.push(`${streamId}: reset ${payload.readUInt32BE(0)}`);
    else if (type === FrameType.GOAWAY) told.push(`GOAWAY ${payload.readUInt32BE(4)} up to ${payload.readUInt32BE(0)}`);
    if ((type === FrameType.DATA || type === FrameType.HEADERS) && (flags & 1) === 1) told.push(`${streamId}: end`);
  }
  // Streams may have their turns in another order; what is said of one of them stays in order.
  const streamOf = (line: string): number =>
    line.startsWith('G') ? Number.MAX_SAFE_INTEGER : Number.parseInt(line, 10);
  return told.sort((one, other) => streamOf(one) - streamOf(other));
}

/** Their order is no matter; times differ. */
function headersOf(fields: readonly string[]): string {
  const lines: string[] = [];
  for (let i = 0; i < fields.length; i += 2)
    lines.push(/^date$|service-time$/.test(fields[i]!) ? fields[i]! : `${fields[i]} ${fields[i + 1]}`);
  return lines.sort().join(', ');
}

const factsOf = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => line.startsWith('{'))
    .map((line) => {
      const { status, flags, details, path } = JSON.parse(line) as Record<string, unknown>;
      return JSON.stringify({ status, flags, details, path });
    })
    .sort();
