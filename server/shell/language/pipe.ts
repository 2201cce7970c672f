/** What a command reads. Several may read from it, one after the other, as those in a loop do. */
export interface Input extends AsyncIterable<string> {
  /** Gives back what was read too far: the next reader gets it first. */
  unread(text: string): void;
}

/** Text on its way from one command to the next, in the order written; bounded. Writing never throws. */
export interface TextPipe extends Input {
  write(text: string): void;
  end(): void;
}

/** Characters that a pipe may hold unread; what would be more is dropped, and `onFull` is called once. */
const MAX_HELD = 8 * 1_048_576;
/** Lines that are handed on before the event loop gets its turn, so that Ctrl+C is heard. */
const LINES_A_TURN = 2000;

export function createPipe(onFull: () => void = () => undefined): TextPipe {
  let chunks: string[] = [];
  let held = 0;
  let ended = false;
  let full = false;
  let wake: (() => void) | undefined;
  return {
    write: (text) => {
      if (ended || full || text === '') return;
      held += text.length;
      if (held > MAX_HELD) {
        full = true;
        onFull();
        return;
      }
      chunks.push(text);
      wake?.();
    },
    end: () => {
      ended = true;
      wake?.();
    },
    unread: (text) => {
      if (text === '') return;
      held += text.length;
      chunks.unshift(text);
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        if (chunks.length > 0) {
          const chunk = chunks.join('');
          chunks = [];
          held = 0;
          yield chunk;
        } else if (ended) return;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = undefined;
        }
      }
    },
  };
}

/** An ended pipe that holds this text. */
export function textPipe(text: string): TextPipe {
  const pipe = createPipe();
  pipe.write(text);
  pipe.end();
  return pipe;
}

/** Text from outside as an input: its iterator is kept, so that a reader that stops early does not end it. */
export function inputOf(source: AsyncIterable<string>): Input {
  const iterator = source[Symbol.asyncIterator]();
  let back = '';
  return {
    unread: (text) => {
      back = text + back;
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        if (back !== '') {
          const text = back;
          back = '';
          yield text;
        }
        const { done, value } = await iterator.next();
        if (done) return;
        yield value;
      }
    },
  };
}

/** Takes one line from an input and leaves the rest; undefined at its end. `ended`: the line has its line end. */
export async function takeLine(input: Input): Promise<{ readonly line: string; readonly ended: boolean } | undefined> {
  let line = '';
  for await (const chunk of input) {
    line += chunk;
    const at = line.indexOf('\n');
    if (at < 0) continue;
    input.unread(line.slice(at + 1));
    return { line: line.slice(0, at), ended: true };
  }
  return line === '' ? undefined : { line, ended: false };
}

/** Collects text up to a limit; what would be more is dropped, and `onFull` is called once. */
export function createCollector(
  maxLength: number,
  onFull: () => void,
): { write(text: string): void; text(): string; readonly full: boolean } {
  const chunks: string[] = [];
  let length = 0;
  let full = false;
  return {
    write: (text) => {
      if (full) return;
      length += text.length;
      if (length <= maxLength) chunks.push(text);
      else {
        full = true;
        onFull();
      }
    },
    text: () => chunks.join(''),
    get full() {
      return full;
    },
  };
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
  let count = 0;
  for await (const chunk of pipe) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      yield line;
      count += 1;
      if (count % LINES_A_TURN === 0) await nextTurn();
    }
  }
  if (rest !== '') yield rest;
}

/** Lets the event loop hear what came in meanwhile. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
