import { afterAll } from 'vitest';
import type { Clock } from '#domain';
import type { ApplyOutcome } from '#sandbox';
import { createShellFiles, createTerminal, type Terminal } from '#terminal';
import { HandClient } from '#xds';
import { createFakeSandbox, type FakeSandbox } from '../../support/fake-sandbox.ts';

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly code: number;
  readonly more: boolean;
}

/** Sandboxes of the test file; those that served their API stop doing so at its end. */
const sandboxes: FakeSandbox[] = [];
afterAll(() => Promise.all(sandboxes.splice(0).map((sandbox) => sandbox.stop())));

/** One terminal over a fake sandbox. */
export interface Harness {
  readonly sandbox: FakeSandbox;
  readonly terminal: Terminal;
  readonly files: Map<string, string>;
  readonly changes: string[];
  /** Runs lines one after the other; what they print is joined. */
  run(...lines: string[]): Promise<Ran>;
  /** Starts a line that does not end by itself. */
  start(line: string): Running;
}

export interface Running {
  readonly done: Promise<Ran>;
  out(): string;
  err(): string;
  interrupt(): void;
}

export function createHarness(
  options: {
    readonly samples?: Readonly<Record<string, string>>;
    /** The learner's own, at the start. */
    readonly files?: Readonly<Record<string, string>>;
    /** Absent: one that stands still. */
    readonly clock?: Clock;
  } = {},
): Harness {
  const sandbox = createFakeSandbox();
  sandboxes.push(sandbox);
  const files = new Map<string, string>();
  const changes: string[] = [];
  const shellFiles = createShellFiles({
    samples: new Map(Object.entries(options.samples ?? {})),
    onWrite: (path, text) => void (text === undefined ? files.delete(path) : files.set(path, text)),
  });
  for (const [path, text] of Object.entries(options.files ?? {})) shellFiles.write(path, text);
  const terminal = createTerminal({
    sandbox,
    clock: options.clock ?? sandbox.clock,
    files: shellFiles,
    xds: new HandClient(),
    kube: { namespace: 'default' },
    mintChangeId: () => 'minted',
    changed: (_id, title) => changes.push(title),
    apply: async (manifests, { namespace, title }): Promise<ApplyOutcome> => {
      const outcome = await sandbox.apply(manifests, { namespace });
      if (outcome.accepted) changes.push(title);
      return outcome;
    },
  });
  terminal.setVariable('GATEWAY_URL', '127.0.0.9:80');

  const start = (line: string): Running => {
    const abort = new AbortController();
    let out = '';
    let err = '';
    const done = terminal
      .run(line, { out: (text) => (out += text), err: (text) => (err += text), signal: abort.signal })
      .then(({ exitCode, more }) => ({ out, err, code: exitCode, more }));
    return { done, out: () => out, err: () => err, interrupt: () => abort.abort() };
  };
  return {
    sandbox,
    terminal,
    files,
    changes,
    start,
    run: async (...lines) => {
      let all: Ran = { out: '', err: '', code: 0, more: false };
      for (const line of lines) {
        const ran = await start(line).done;
        all = { ...ran, out: all.out + ran.out, err: all.err + ran.err };
      }
      return all;
    },
  };
}

/** Lets what was started run on. */
export const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};
