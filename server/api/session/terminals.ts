import type { Clock, Timer } from '#domain';
import { createTerminal, type ShellContext, type Terminal } from '#terminal';
import { ApiError } from '../errors.ts';
import type { Emit } from './ports.ts';

/** The terminal tabs of a learner. Each runs one line at a time; its output is streamed, joined within a turn of the loop. */
export interface Terminals {
  run(name: string, line: string): void;
  interrupt(name: string): void;
  /** What was run in it, oldest first; nothing for a terminal that nobody used yet. */
  history(name: string): string[];
  /** What was run last in each of them. */
  newest(): string[];
  /** Resolves when every line that runs now has ended, or has run for `limitMs`: `watch` goes on for as long as it likes. */
  ended(limitMs: number): Promise<void>;
  /** Ends its command and forgets it. */
  close(name: string): void;
  complete(name: string, line: string, cursor: number): { from: number; candidates: string[] };
  stop(): void;
}

const MAX_TABS = 8;
const MAX_OUTPUT = 2_000_000;

interface Tab {
  readonly terminal: Terminal;
  running: Running | undefined;
}

interface Running {
  readonly abort: AbortController;
  readonly sinceMs: number;
  readonly ended: Promise<void>;
}

export function createTerminals(options: {
  readonly context: () => ShellContext;
  readonly variables: () => ReadonlyMap<string, string>;
  readonly emit: Emit;
  /** The machine's: what a person types has nothing to do with the lab's time. */
  readonly clock: Clock;
}): Terminals {
  const tabs = new Map<string, Tab>();
  const tab = (name: string): Tab => {
    const known = tabs.get(name);
    if (known) return known;
    if (tabs.size >= MAX_TABS) throw new ApiError('too_many', `A learner may open ${MAX_TABS} terminals.`);
    const fresh: Tab = { terminal: createTerminal(options.context()), running: undefined };
    for (const [variable, value] of options.variables()) fresh.terminal.setVariable(variable, value);
    tabs.set(name, fresh);
    return fresh;
  };

  return {
    run: (name, line) => {
      const own = tab(name);
      if (own.running) throw new ApiError('busy', 'A command is still running in this terminal.');
      const abort = new AbortController();
      const output = createOutput(name, options.emit, () => abort.abort());
      const ended = own.terminal
        .run(line, {
          out: (text) => output.write('stdout', text),
          err: (text) => output.write('stderr', text),
          signal: abort.signal,
        })
        .then(({ exitCode, more }) => {
          own.running = undefined;
          output.flush();
          options.emit({ type: 'terminal-exit', terminal: name, exitCode, cwd: '~', ...(more ? { more } : {}) });
        })
        .catch((error: unknown) => {
          own.running = undefined;
          output.write('stderr', `the terminal failed: ${String(error)}\n`);
          output.flush();
          options.emit({ type: 'terminal-exit', terminal: name, exitCode: 1, cwd: '~' });
        });
      own.running = { abort, sinceMs: options.clock.monotonic(), ended };
    },
    interrupt: (name) => {
      const own = tabs.get(name);
      if (own?.running) own.running.abort.abort();
      else own?.terminal.interrupt();
    },
    ended: async (limitMs) => {
      const { clock } = options;
      const running = [...tabs.values()].flatMap((own) => own.running ?? []);
      await Promise.all(running.map((line) => within(clock, line, limitMs)));
    },
    newest: () => [...tabs.values()].flatMap(({ terminal }) => terminal.history.at(-1) ?? []),
    history: (name) => [...(tabs.get(name)?.terminal.history ?? [])],
    close: (name) => {
      tabs.get(name)?.running?.abort.abort();
      tabs.delete(name);
    },
    complete: (name, line, cursor) => {
      const { from, candidates } = tab(name).terminal.complete(line, cursor);
      return { from, candidates: [...candidates] };
    },
    stop: () => {
      for (const { running } of tabs.values()) running?.abort.abort();
      tabs.clear();
    },
  };
}

async function within(clock: Clock, { sinceMs, ended }: Running, limitMs: number): Promise<void> {
  const leftMs = sinceMs + limitMs - clock.monotonic();
  if (leftMs <= 0) return;
  let timer: Timer | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = clock.after(leftMs, resolve);
  });
  await Promise.race([ended, limit]);
  timer?.cancel();
}

type Stream = 'stdout' | 'stderr';

function createOutput(
  terminal: string,
  emit: Emit,
  onTooMuch: () => void,
): { write(stream: Stream, text: string): void; flush(): void } {
  let held = '';
  let heldStream: Stream = 'stdout';
  let total = 0;
  let scheduled = false;
  const flush = (): void => {
    scheduled = false;
    if (held !== '') emit({ type: 'terminal', output: { terminal, stream: heldStream, text: held } });
    held = '';
  };
  return {
    flush,
    write: (stream, text) => {
      total += text.length;
      if (total > MAX_OUTPUT) {
        if (total - text.length <= MAX_OUTPUT) {
          flush();
          emit({
            type: 'terminal',
            output: {
              terminal,
              stream: 'stderr',
              text: 'Output ends here: it is over 2 MB. Use grep, head or tail.\n',
            },
          });
          onTooMuch();
        }
        return;
      }
      if (stream !== heldStream) flush();
      heldStream = stream;
      held += text;
      if (!scheduled) {
        scheduled = true;
        setImmediate(flush);
      }
    },
  };
}
