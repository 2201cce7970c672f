import { type ShellFiles, UsageError } from '#shell';
import { type FolderMount, isWithin, type Place, placeOf, SharedFolder, seenIn } from './shared-folder.ts';

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

/** A container's file system: what its volumes mount, what it shares with others of its pod, and what its programs wrote, in memory. */
export function createContainerFiles(mounted: MountedFiles, shared: readonly FolderMount[] = []): ContainerFiles {
  const own = new SharedFolder();
  for (const folder of FOLDERS) own.make(folder.slice(1));
  const mounts = [{ folder: own, mountPath: '', subPath: '', readOnly: false }, ...shared];
  const place = (name: string): Place => placeOf(mounts, name === '/' ? '' : name) as Place;
  const bytes = (path: string): Buffer | undefined => {
    const name = absolute(path);
    const { folder, path: inside } = place(name);
    return folder.files.get(inside) ?? mounted.read(name);
  };
  const seen = (kind: 'files' | 'folders'): string[] =>
    mounts.flatMap((mount) => seenIn(mount, kind).filter((path) => place(path).folder === mount.folder));
  const writeBytes = (path: string, content: Buffer): void => {
    const name = absolute(path);
    const { folder, path: inside, readOnly } = place(name);
    if (readOnly || mounted.read(name) !== undefined) throw new UsageError(`${path}: Read-only file system`);
    if (isFolder(name)) throw new UsageError(`${path}: Is a directory`);
    if (!folder.write(inside, content)) throw new UsageError(`${path}: No space left on device`);
  };
  const isFolder = (path: string): boolean => {
    const name = absolute(path);
    const { folder, path: inside, isMount } = place(name);
    const holds = (file: string): boolean => file.startsWith(`${name}/`);
    return (
      isMount ||
      folder.folders.has(inside) ||
      shared.some(({ mountPath }) => isWithin(mountPath, name)) ||
      seen('files').some(holds) ||
      mounted.list().some(holds)
    );
  };
  return {
    bytes,
    writeBytes,
    isFolder,
    makeFolder: (path) => {
      const { folder, path: inside, readOnly } = place(absolute(path));
      if (readOnly) throw new UsageError(`${path}: Read-only file system`);
      folder.make(inside);
    },
    read: (path) => bytes(path)?.toString('utf8'),
    write: (path, text) => writeBytes(path, Buffer.from(text)),
    remove: (path) => {
      const name = absolute(path);
      const { folder, path: inside, readOnly, isMount } = place(name);
      if (readOnly || isMount) return false;
      return folder.files.delete(inside) || (!FOLDERS.includes(name) && folder.folders.delete(inside));
    },
    list: (folder) => {
      const prefix = folder === '' || folder === '/' ? '/' : `${absolute(folder)}/`;
      return [...new Set([...seen('files'), ...mounted.list()])]
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
