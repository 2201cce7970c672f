/** As many files, and bytes in one, as a container or a volume may hold: all of it lies in the memory of the sandbox. */
export const MAX_FILES = 200;
export const MAX_BYTES = 1_048_576;

/** Files by path (without a slash in front) and empty folders that containers of a pod share: a volume of type emptyDir. */
export class SharedFolder {
  readonly files = new Map<string, Buffer>();
  readonly folders = new Set<string>();
  readonly #limitBytes: number;
  readonly #onUsed: (bytes: number) => void;

  /** `limitBytes`: no more is taken, as by a file system in memory. `onUsed` hears how much it holds after each write. */
  constructor({
    limitBytes = Number.POSITIVE_INFINITY,
    onUsed = () => {},
  }: {
    readonly limitBytes?: number | undefined;
    readonly onUsed?: (bytes: number) => void;
  } = {}) {
    this.#limitBytes = limitBytes;
    this.#onUsed = onUsed;
  }

  get usedBytes(): number {
    let sum = 0;
    for (const { length } of this.files.values()) sum += length;
    return sum;
  }

  /** False when there is no room. */
  write(path: string, content: Buffer): boolean {
    const before = this.files.get(path);
    if (content.length > MAX_BYTES || (before === undefined && this.files.size >= MAX_FILES)) return false;
    const used = this.usedBytes - (before?.length ?? 0) + content.length;
    if (used > this.#limitBytes) return false;
    this.files.set(path, content);
    this.#onUsed(used);
    return true;
  }

  /** Makes a folder, while there is room. */
  make(path: string): void {
    if (this.folders.size < MAX_FILES) this.folders.add(path);
  }
}

/** Where a container finds such a folder, or a part of it. */
export interface FolderMount {
  readonly folder: SharedFolder;
  readonly mountPath: string;
  /** Empty: the whole. */
  readonly subPath: string;
  readonly readOnly: boolean;
}

/** A place in a folder: what a path of the container stands for there. */
export interface Place {
  readonly folder: SharedFolder;
  /** Empty: the folder itself. */
  readonly path: string;
  readonly readOnly: boolean;
  /** The path is where it is mounted, or the root: it cannot be removed. */
  readonly isMount: boolean;
}

/** What an absolute path stands for: the innermost mount that holds it. */
export function placeOf(mounts: readonly FolderMount[], name: string): Place | undefined {
  let found: FolderMount | undefined;
  for (const mount of mounts)
    if (isWithin(name, mount.mountPath) && mount.mountPath.length >= (found?.mountPath.length ?? 0)) found = mount;
  if (found === undefined) return undefined;
  const rest = name.slice(found.mountPath.length + 1);
  const path = [found.subPath, rest].filter((part) => part !== '').join('/');
  return { folder: found.folder, path, readOnly: found.readOnly, isMount: rest === '' };
}

/** The files and folders of a mount as the container sees them, by absolute path. */
export function seenIn({ folder, mountPath, subPath }: FolderMount, kind: 'files' | 'folders'): string[] {
  const prefix = subPath === '' ? '' : `${subPath}/`;
  return [...folder[kind].keys()]
    .filter((path) => path.startsWith(prefix))
    .map((path) => `${mountPath}/${path.slice(prefix.length)}`);
}

export const isWithin = (name: string, folder: string): boolean => name === folder || name.startsWith(`${folder}/`);
