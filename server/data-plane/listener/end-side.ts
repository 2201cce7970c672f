import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Ends one side of a session. Plaintext can pass a reset on. */
export function endSide(side: Duplex | undefined, byReset: boolean): void {
  if (byReset && side instanceof Socket && !side.destroyed && !('encrypted' in side)) side.resetAndDestroy();
  else side?.destroy();
}
