import { type ShellFiles, UsageError } from '#shell';

const MAX_FILES = 100;
const MAX_TEXT = 1_048_576;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Whether a file stands in the editor too. */
export const isManifest = (name: string): boolean => /\.ya?ml$/.test(name);

export interface ShellFilesOptions {
  /** Read-only files by path, such as samples/bookinfo/networking/bookinfo-gateway.yaml. */
  readonly samples: ReadonlyMap<string, string>;
  readonly onWrite: (path: string, text: string | undefined) => void;
}

/** The terminal's small file system: the editor's files and scratch files in the home folder, and read-only samples. */
export function createShellFiles(options: ShellFilesOptions): ShellFiles & {
  /** Puts these in the place of all manifests. */
  replaceAll(files: ReadonlyMap<string, string>): void;
} {
  const own = new Map<string, string>();
  const clean = (path: string): string => {
    const parts: string[] = [];
    for (const part of path
      .replace(/^~\//, '')
      .replace(/^\/home\/learner\//, '')
      .split('/')) {
      if (part === '' || part === '.') continue;
      if (part === '..') parts.pop();
      else parts.push(part);
    }
    return parts.join('/');
  };
  return {
    read: (path) => own.get(clean(path)) ?? options.samples.get(clean(path)),
    write: (path, text) => {
      const name = clean(path);
      if (options.samples.has(name))
        throw new UsageError(`${name}: the samples are read-only; copy it first (cp ${name} mine.yaml)`);
      if (!NAME.test(name)) throw new UsageError(`${path}: use a plain file name such as reviews.yaml`);
      if (!own.has(name) && own.size >= MAX_FILES) throw new UsageError(`${name}: at most ${MAX_FILES} files`);
      if (text.length > MAX_TEXT) throw new UsageError(`${name}: at most 1 MiB a file`);
      own.set(name, text);
      options.onWrite(name, text);
    },
    remove: (path) => {
      const name = clean(path);
      const had = own.delete(name);
      if (had) options.onWrite(name, undefined);
      return had;
    },
    list: (folder) => {
      const prefix = clean(folder) === '' ? '' : `${clean(folder)}/`;
      return [...own.keys(), ...options.samples.keys()].filter((path) => path.startsWith(prefix)).sort();
    },
    replaceAll: (files) => {
      // What the editor does not show, such as keys, is the terminal's own.
      for (const name of [...own.keys()]) if (isManifest(name)) own.delete(name);
      for (const [name, text] of files) own.set(name, text);
    },
  };
}
