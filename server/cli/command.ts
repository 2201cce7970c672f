import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, MeshworkError } from '#domain';

/** What a verb of the command line may touch besides its arguments. */
export interface CliIo {
  /** Writes one line to standard output. */
  readonly out: (line: string) => void;
  /** Writes one line to standard error. */
  readonly err: (line: string) => void;
  /** Whole text of standard input. */
  readonly input: () => Promise<string>;
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** A verb of `meshwork`, useful without the site. `run` resolves to the exit code; a wrong call throws `UsageError`. */
export interface CliCommand {
  readonly name: string;
  readonly summary: string;
  /** The call, in the form `meshwork validate -f FILE…`. */
  readonly usage: string;
  readonly run: (args: readonly string[], io: CliIo) => Promise<number>;
}

/** A call that cannot be understood: exit code 2 and the usage line. */
export class UsageError extends MeshworkError {
  constructor(message: string) {
    super('cli.usage', message);
  }
}

/** A file that was named on the command line, `-` being standard input. */
export interface NamedText {
  readonly file: string;
  readonly text: string;
}

const MANIFEST = /\.(?:ya?ml|json)$/;

/** Reads the files in their order; a folder stands for the manifests in it. Throws `UsageError` for one that cannot be read. */
export async function readFiles(files: readonly string[], io: CliIo): Promise<NamedText[]> {
  const texts: NamedText[] = [];
  for (const named of files) {
    for (const file of await manifestsOf(named)) {
      texts.push({ file, text: file === '-' ? await io.input() : await readNamed(file) });
    }
  }
  return texts;
}

/** The file itself, or every manifest below a folder, by name. */
async function manifestsOf(named: string): Promise<string[]> {
  if (named === '-') return [named];
  const isFolder = await stat(named).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return [named];
  const entries = await readdir(named, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && MANIFEST.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function readNamed(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UsageError(`${file} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : `${code}`}`);
  }
}
