import { errorMessage } from '#domain';
import { UsageError } from '#shell';
import { type ArchiveEntry, readArchive, writeArchive } from './archive.ts';
import type { ContainerFiles } from './container-files.ts';

/** GNU tar's own code for a fatal error. */
const EXIT_FATAL = 2;
/** As much as a container's files may hold together, and the archive's own bytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The streams of an archiver: bytes, which a shell's texts would spoil. */
export interface ArchiveIo {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  out(bytes: Buffer): void;
  err(text: string): void;
}

interface Order {
  readonly mode: 'c' | 'x' | 't';
  readonly file: string;
  readonly folder: string;
  readonly verbose: boolean;
  readonly paths: readonly string[];
}

/** `tar` as far as `kubectl cp` and people need it: `tar cf - path`, `tar -xmf - -C folder`, `tar tf file`. Resolves with the exit code. */
export async function runTar(
  args: readonly string[],
  io: ArchiveIo,
  { files, nowMs }: { readonly files: ContainerFiles; readonly nowMs: number },
): Promise<number> {
  try {
    const order = readOrder(args);
    if (order.mode === 'c') return create(order, io, { files, nowMs });
    const bytes = order.file === '-' ? await collect(io.stdin) : files.bytes(order.file);
    if (bytes === undefined) throw new UsageError(`${order.file}: Cannot open: No such file or directory`);
    for (const entry of readArchive(bytes)) {
      if (order.mode === 't' || order.verbose) io.out(Buffer.from(`${entry.path}\n`));
      if (order.mode === 'x') extract(entry, order.folder, files);
    }
    return 0;
  } catch (error) {
    io.err(`tar: ${errorMessage(error)}\n`);
    return EXIT_FATAL;
  }
}

function create(
  { file, folder, verbose, paths }: Order,
  io: ArchiveIo,
  { files, nowMs }: { readonly files: ContainerFiles; readonly nowMs: number },
): number {
  if (paths.length === 0) throw new UsageError('Cowardly refusing to create an empty archive');
  let code = 0;
  const entries = paths.flatMap((path): ArchiveEntry[] => {
    const full = inFolder(folder, path);
    const found = files.bytes(full);
    if (found !== undefined) return [{ path: path.replace(/^\/+/, ''), bytes: found }];
    const below = files.list(full === '/' ? '/' : `${full}/`);
    if (below.length === 0 && !files.isFolder(full)) {
      io.err(`tar: ${path}: Cannot stat: No such file or directory\n`);
      code = EXIT_FATAL;
      return [];
    }
    const base = path.replace(/^\/+|\/+$/g, '');
    const rest = (each: string): string => each.slice(full === '/' ? 1 : full.length + 1);
    return [
      { path: `${base}/` },
      ...below.map((each) => ({ path: `${base}/${rest(each)}`, bytes: files.bytes(each) ?? Buffer.alloc(0) })),
    ];
  });
  if (paths.some((path) => path.startsWith('/'))) io.err("tar: Removing leading `/' from member names\n");
  if (code !== 0) io.err('tar: Exiting with failure status due to previous errors\n');
  if (verbose) for (const { path } of entries) io.err(`${path}\n`);
  const archive = writeArchive(entries, nowMs);
  if (file === '-') io.out(archive);
  else files.writeBytes(file, archive);
  return code;
}

function extract({ path, bytes }: ArchiveEntry, folder: string, files: ContainerFiles): void {
  if (path.split('/').includes('..')) throw new UsageError(`${path}: Member name contains '..'`);
  const full = inFolder(folder, path.replace(/^\/+/, ''));
  if (bytes === undefined) files.makeFolder(full);
  else files.writeBytes(full, bytes);
}

const inFolder = (folder: string, path: string): string =>
  `/${(path.startsWith('/') ? path : `${folder}/${path}`)
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`;

async function collect(stdin: ArchiveIo['stdin']): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BYTES) throw new UsageError('the archive is too large');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** The first word may be letters without a dash. Letters that need a value take the next word. */
function readOrder(args: readonly string[]): Order {
  let mode: Order['mode'] | undefined;
  let [file, folder, verbose] = ['-', '/', false];
  const paths: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    const letters = at === 0 ? word.replace(/^-(?!-)/, '') : /^-[a-zA-Z]/.test(word) ? word.slice(1) : undefined;
    if (word.startsWith('--')) {
      const [name, value] = word.split('=', 2);
      if (name === '--directory') folder = value ?? args[++at] ?? '/';
      else if (name === '--file') file = value ?? args[++at] ?? '-';
    } else if (letters === undefined) paths.push(word);
    else
      for (const letter of letters) {
        if (letter === 'c' || letter === 'x' || letter === 't') mode = letter;
        else if (letter === 'f') file = args[++at] ?? '-';
        else if (letter === 'C') folder = args[++at] ?? '/';
        else if (letter === 'v') verbose = true;
        else if (letter === 'z' || letter === 'j' || letter === 'J')
          throw new UsageError('containers here have no programs to compress with');
      }
  }
  if (mode === undefined) throw new UsageError("You must specify one of the '-ctx' options");
  return { mode, file, folder, verbose, paths };
}
