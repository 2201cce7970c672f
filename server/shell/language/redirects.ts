import { type ShellFiles, UsageError } from '../command.ts';
import { createCollector, type Input, textPipe } from './pipe.ts';
import type { Redirect } from './script.ts';
import type { Word } from './words.ts';

/** A command's three streams. */
export interface Streams {
  readonly stdin: Input;
  readonly hasStdin: boolean;
  out(text: string): void;
  err(text: string): void;
}

/** Streams after redirection; `close` writes the files. */
export interface OpenStreams extends Streams {
  close(): void;
}

const MAX_FILE = 1_048_576;

/** Applies redirections one after the other, so that `>file 2>&1` sends both to the file and `2>&1 >file` does not. */
export async function openStreams(options: {
  readonly redirects: readonly Redirect[];
  readonly streams: Streams;
  readonly files: ShellFiles;
  expand(word: Word): Promise<string>;
}): Promise<OpenStreams> {
  const { files, expand } = options;
  let { stdin, hasStdin, out, err } = options.streams;
  const closes: (() => void)[] = [];
  const openFile = (path: string, append: boolean): ((text: string) => void) => {
    if (path === '/dev/null') return () => undefined;
    const content = createCollector(MAX_FILE, () => undefined);
    if (append) content.write(files.read(path) ?? '');
    closes.push(() => {
      if (content.full) throw new UsageError(`${path}: at most 1 MiB a file`);
      files.write(path, content.text());
    });
    return content.write;
  };
  for (const redirect of options.redirects) {
    if ('heredoc' in redirect) {
      stdin = textPipe(await expand(redirect.heredoc));
      hasStdin = true;
      continue;
    }
    const path = redirect.file === undefined ? '' : await expand(redirect.file);
    if (redirect.from === 'input') {
      stdin = textPipe(readInput(files, path));
      hasStdin = true;
      continue;
    }
    const target =
      redirect.to === 'output' ? out : redirect.to === 'errors' ? err : openFile(path, redirect.to === 'append');
    if (redirect.from !== 'errors') out = target;
    if (redirect.from !== 'output') err = target;
  }
  return {
    stdin,
    hasStdin,
    out,
    err,
    close: () => {
      for (const close of closes) close();
    },
  };
}

function readInput(files: ShellFiles, path: string): string {
  const text = path === '/dev/null' ? '' : files.read(path);
  if (text === undefined) throw new UsageError(`${path}: No such file or directory`);
  return text;
}
