import { execFile, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The real kubectl: the one that KUBECTL names, or the first on the path. Undefined when there is none. */
export const kubectlPath: string | undefined = find();

function find(): string | undefined {
  const candidates = [
    ...(process.env['KUBECTL'] ? [process.env['KUBECTL']] : []),
    ...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'kubectl')),
  ];
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

if (!kubectlPath) console.warn('kubectl is not on the path: its tests are skipped');

export interface KubectlResult {
  readonly code: number;
  /** Both outputs with ages as `<age>`, without spaces at the ends of lines. */
  readonly out: string;
  readonly err: string;
}

export interface Kubectl {
  /** Runs `kubectl` with these arguments; `input` goes to its standard input. */
  run(
    words: readonly string[],
    options?: { readonly input?: string; readonly env?: Record<string, string> },
  ): Promise<KubectlResult>;
  /** Starts a kubectl that goes on until it is ended. */
  start(words: readonly string[], env?: Record<string, string>): RunningKubectl;
  /** Folder for files of a test. */
  readonly folder: string;
  dispose(): void;
}

export interface RunningKubectl {
  /** Resolves with everything printed so far when it contains this text. Rejects after ten seconds. */
  printed(text: string): Promise<string>;
  end(): void;
}

const tidy = (text: string): string =>
  text
    .replaceAll(/(?<=\s)\d+s(?=\s|$)/g, '<age>')
    .replaceAll(/[ \t]+$/gm, '')
    .trimEnd();

/** A kubectl with an empty cache and this kubeconfig. */
export function kubectlWith(kubeconfig: string): Kubectl {
  const folder = mkdtempSync(join(tmpdir(), 'kubectl-'));
  const config = join(folder, 'kubeconfig');
  writeFileSync(config, kubeconfig, { mode: 0o600 });
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    KUBECONFIG: config,
    KUBECACHEDIR: join(folder, 'cache'),
  };
  const file = kubectlPath ?? 'kubectl';
  return {
    folder,
    run: (words, options = {}) =>
      new Promise((resolve, reject) => {
        const settings = { env: { ...env, ...options.env }, cwd: folder, timeout: 30_000, maxBuffer: 64 * 1024 * 1024 };
        const child = execFile(file, [...words], settings, (error, stdout, stderr) => {
          const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
          if (code < 0) reject(error);
          else resolve({ code, out: tidy(stdout), err: tidy(stderr) });
        });
        // A kubectl that refuses its arguments does not read on.
        child.stdin?.on('error', () => undefined);
        child.stdin?.end(options.input ?? '');
      }),
    start: (words, more = {}) => follow(spawn(file, [...words], { env: { ...env, ...more }, cwd: folder })),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function follow(child: ReturnType<typeof spawn>): RunningKubectl {
  let all = '';
  const waiting = new Set<() => void>();
  const take = (chunk: Buffer): void => {
    all += chunk.toString();
    for (const check of waiting) check();
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  return {
    printed: (text) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!all.includes(text)) return;
          clearTimeout(limit);
          waiting.delete(check);
          resolve(tidy(all));
        };
        const limit = setTimeout(() => reject(new Error(`kubectl did not print ${text}; it printed:\n${all}`)), 10_000);
        waiting.add(check);
        check();
      }),
    end: () => void child.kill(),
  };
}
