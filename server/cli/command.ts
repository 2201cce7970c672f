import { readFile } from 'node:fs/promises';
import { MeshworkError } from '#domain';

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

/** Reads the files in their order. Throws `UsageError` for one that cannot be read. */
export async function readFiles(files: readonly string[], io: CliIo): Promise<NamedText[]> {
  const texts: NamedText[] = [];
  for (const file of files) texts.push({ file, text: file === '-' ? await io.input() : await readNamed(file) });
  return texts;
}

async function readNamed(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : `${code}`;
    throw new UsageError(`${file} cannot be read: ${why}`);
  }
}
