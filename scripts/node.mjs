// Where the pinned Node is: an npm dependency on Linux, else the Node that runs this, if it is new enough.
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_MAJOR = 26;

/** Path of the Node that runs everything; throws with what to do when there is none. */
export function pinnedNode() {
  const packaged = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (existsSync(packaged)) return packaged;
  if (Number(process.versions.node.split('.')[0]) >= OLDEST_MAJOR) return process.execPath;
  throw new Error(
    `There is no packaged Node for ${process.platform}-${process.arch}, and this is Node ${process.versions.node}. ` +
      `Install Node ${OLDEST_MAJOR} or newer and run the command again.`,
  );
}

/**
 * Flags of V8 for a process that holds a whole mesh itself, as `meshwork up` does. By default V8 begins a full collection whenever 64 MB
 * of buffers outside of its heap came: at a thousand proxies every other push, each a second long. Counted with the heap they do not.
 */
export const meshFlags = ['--external-memory-accounted-in-global-limit'];

/** PATH with the pinned Node and the project's own programs first. */
export function pinnedPath() {
  return [dirname(pinnedNode()), join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter);
}
