/** Text on its way from one command to the next, in the order written; bounded. */
export interface TextPipe extends AsyncIterable<string> {
  write(text: string): void;
  end(): void;
}

/** Text that a pipe may hold unread; more ends the writer's command. */
const MAX_HELD = 8 * 1_048_576;

export class PipeOverflow extends Error {}

export function createPipe(): TextPipe {
  const chunks: string[] = [];
  let held = 0;
  let ended = false;
  let wake: (() => void) | undefined;
  return {
    write: (text) => {
      if (ended) return;
      held += text.length;
      if (held > MAX_HELD) throw new PipeOverflow('too much output for a pipe');
      chunks.push(text);
      wake?.();
    },
    end: () => {
      ended = true;
      wake?.();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (chunks.length > 0) {
          const chunk = chunks.shift() ?? '';
          held -= chunk.length;
          yield chunk;
        }
        if (ended) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
    },
  };
}

/** An ended pipe that holds this text. */
export function textPipe(text: string): TextPipe {
  const pipe = createPipe();
  if (text !== '') pipe.write(text);
  pipe.end();
  return pipe;
}

/** Everything that a pipe carries, until its end. */
export async function readAll(pipe: AsyncIterable<string>): Promise<string> {
  let all = '';
  for await (const chunk of pipe) all += chunk;
  return all;
}

/** The pipe's lines, without line ends, as they become complete. */
export async function* readLines(pipe: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of pipe) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
