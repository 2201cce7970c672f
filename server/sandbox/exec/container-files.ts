import { type ShellFiles, UsageError } from '#shell';

const MAX_FILES = 200;
const MAX_BYTES = 1_048_576;

/** Files that a container did not write: by absolute path. */
export interface MountedFiles {
  read(path: string): Buffer | undefined;
  list(): readonly string[];
}

/** A container's file system: what its volumes mount, and what its programs wrote, in memory. */
export function createContainerFiles(mounted: MountedFiles): ShellFiles & { bytes(path: string): Buffer | undefined } {
  const own = new Map<string, string>();
  const bytes = (path: string): Buffer | undefined => {
    const text = own.get(absolute(path));
    return text === undefined ? mounted.read(absolute(path)) : Buffer.from(text);
  };
  return {
    bytes,
    read: (path) => bytes(path)?.toString('utf8'),
    write: (path, text) => {
      const name = absolute(path);
      if (mounted.read(name) !== undefined) throw new UsageError(`${path}: Read-only file system`);
      if (text.length > MAX_BYTES || (!own.has(name) && own.size >= MAX_FILES))
        throw new UsageError(`${path}: No space left on device`);
      own.set(name, text);
    },
    remove: (path) => own.delete(absolute(path)),
    list: (folder) => {
      const prefix = folder === '' || folder === '/' ? '/' : `${absolute(folder)}/`;
      return [...new Set([...own.keys(), ...mounted.list()])]
        .filter((path) => path.startsWith(prefix))
        .map((path) => (folder.startsWith('/') ? path : path.slice(1)))
        .sort();
    },
  };
}

/** `/tmp/../etc/./hosts` → `/etc/hosts`; a relative path begins at the root. */
function absolute(path: string): string {
  const parts: string[] = [];
  for (const part of path.replace(/^~/, '/root').split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}
