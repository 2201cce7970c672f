import type { Socket } from 'node:net';

export interface FrameReader {
  /** Bytes of the first frame of what has come, header included; undefined while the header is not complete. */
  lengthOf(pending: Buffer): number | undefined;
  /** Longest frame that is read; a longer one calls `onBroken`. */
  readonly maxBytes: number;
  onFrame(frame: Buffer): void;
  onBroken(): void;
}

/** Cuts what a connection brings into frames that tell their own length. */
export function readFrames(socket: Socket, { lengthOf, maxBytes, onFrame, onBroken }: FrameReader): void {
  let pending: Buffer = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (let length = lengthOf(pending); length !== undefined; length = lengthOf(pending)) {
      if (length <= 0 || length > maxBytes) {
        socket.off('data', onData);
        onBroken();
        return;
      }
      if (pending.length < length) return;
      const frame = pending.subarray(0, length);
      pending = pending.subarray(length);
      onFrame(frame);
    }
  };
  socket.on('data', onData);
}
