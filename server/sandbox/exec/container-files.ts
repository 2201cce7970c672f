import { type ShellFiles, UsageError } from '#shell';

const MAX_FILES = 200;
const MAX_BYTES = 1_048_576;

/** Files that a container did not write: by absolute path. */
export interface MountedFiles {
  read(path: string): Buffer | undefined;
  list(): readonly string[];
}

/** A container's files, as bytes and as text. */
export interface ContainerFiles extends ShellFiles {
  bytes(path: string): Buffer | undefined;
  /** Throws UsageError when the file may not be written. */
  writeBytes(path: string, bytes: Buffer): void;
  isFolder(path: string): boolean;
  makeFolder(path: string): void;
}

/** Folders that every image has. */
const FOLDERS = ['/', '/etc', '/home', '/opt', '/root', '/tmp', '/usr', '/var'];

/** A container's file system: what its volumes mount, and what its programs wrote, in memory. */
export function createContainerFiles(mounted: MountedFiles): ContainerFiles {
  const own = new Map<string, Buffer>();
  const folders = new Set(FOLDERS);
  const bytes = (path: string): Buffer | undefined => own.get(absolute(path)) ?? mounted.read(absolute(path));
  const writeBytes = (path: string, content: Buffer): void => {
    const name = absolute(path);
    if (mounted.read(name) !== undefined) throw new UsageError(`${path}: Read-only file system`);
    if (isFolder(name)) throw new UsageError(`${path}: Is a directory`);
    if (content.length > MAX_BYTES || (!own.has(name) && own.size >= MAX_FILES))
      throw new UsageError(`${path}: No space left on device`);
    own.set(name, content);
  };
  const isFolder = (path: string): boolean => {
    const name = absolute(path);
    const holds = (file: string): boolean => file.startsWith(`${name}/`);
    return folders.has(name) || [...own.keys()].some(holds) || mounted.list().some(holds);
  };
  return {
    bytes,
    writeBytes,
    isFolder,
    makeFolder: (path) => {
      if (folders.size < MAX_FILES) folders.add(absolute(path));
    },
    read: (path) => bytes(path)?.toString('utf8'),
    write: (path, text) => writeBytes(path, Buffer.from(text)),
    remove: (path) => {
      const name = absolute(path);
      return own.delete(name) || (!FOLDERS.includes(name) && folders.delete(name));
    },
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
