import type { Duplex } from 'node:stream';
import { type PeerWorkload, readIntroduction } from '../http/peer-metadata.ts';

/** The ALPN by which Istio's proxies agree to introduce themselves before the first byte of a connection. */
export const PEER_EXCHANGE = 'istio-peer-exchange';

const MAGIC = Buffer.from([0x3d, 0x23, 0x04, 0x67]);
const HEAD_BYTES = 8;
/** Far more than a proxy tells of itself; whoever announces more is believed nothing. */
const MAX_BYTES = 64 * 1024;

/** The bytes that introduce a proxy: a magic number, the length, what it says. Source: metadata_exchange, Envoy's contrib. */
export function introductionFrame(introduction: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt32BE(introduction.length, MAGIC.length);
  return Buffer.concat([head, introduction]);
}

/** How the first bytes of the other side read. */
export type Introduction =
  | 'incomplete'
  /** `bytes`: length of the frame; 0: the other side does not introduce itself. */
  | { readonly peer: PeerWorkload | undefined; readonly bytes: number };

export function readFrame(bytes: Buffer): Introduction {
  const seen = Math.min(bytes.length, MAGIC.length);
  if (!bytes.subarray(0, seen).equals(MAGIC.subarray(0, seen))) return { peer: undefined, bytes: 0 };
  if (bytes.length < HEAD_BYTES) return 'incomplete';
  const length = bytes.readUInt32BE(MAGIC.length);
  if (length > MAX_BYTES) return { peer: undefined, bytes: 0 };
  const end = HEAD_BYTES + length;
  return bytes.length < end ? 'incomplete' : { peer: readIntroduction(bytes.subarray(HEAD_BYTES, end)), bytes: end };
}

/** The end of an introduction. */
export interface Introduced {
  readonly peer: PeerWorkload | undefined;
  /** Length of the frame. */
  readonly bytes: number;
  /** The other side ended its half before it had told all: what it sent is here, and no more comes. */
  readonly ended: Buffer | undefined;
}

/** Takes the frame out of what a socket brings; what follows it can be read as if it had come first. Leaves the socket paused. */
export function awaitIntroduction(socket: Duplex, done: (introduced: Introduced) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const finish = (introduced: Introduced): void => {
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.pause();
    const rest = seen.subarray(introduced.bytes);
    if (introduced.ended === undefined && rest.length > 0) socket.unshift(rest);
    done(introduced);
  };
  const onData = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const read = readFrame(seen);
    if (read !== 'incomplete') finish({ ...read, ended: undefined });
  };
  const onEnd = (): void => finish({ peer: undefined, bytes: 0, ended: seen });
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.resume();
}
