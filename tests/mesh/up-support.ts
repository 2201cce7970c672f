import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const START_LIMIT_MS = 40_000;

/** What `meshwork up` prints when it is ready. */
export interface UpLine {
  readonly api: string;
  readonly kubeconfig: string;
  readonly gateways: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly pods: Readonly<
    Record<
      string,
      {
        readonly ip: string;
        readonly ready: string;
        readonly ports: readonly number[];
        readonly labels: Readonly<Record<string, string>>;
        readonly proxy: boolean;
      }
    >
  >;
}

export interface Up {
  readonly line: UpLine;
  readonly folder: string;
  /** Sends the signal; resolves with the exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `meshwork up` with manifests on standard input and waits for its line. */
export async function startUp(manifests: string, more: readonly string[] = []): Promise<Up> {
  const folder = mkdtempSync(join(tmpdir(), 'meshwork-up-'));
  const args = [...(manifests === '' ? [] : ['-f', '-']), '--kubeconfig-out', join(folder, 'kubeconfig'), ...more];
  const child = run(args, manifests);
  const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const exited = await code;
    rmSync(folder, { recursive: true, force: true });
    return exited;
  };
  return { line: JSON.parse(await firstLine(child)) as UpLine, folder, end };
}

/** Runs `meshwork up` to its end. */
export async function runUp(
  args: readonly string[],
  input = '',
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ code: number | null; out: string; err: string }> {
  const child = run(args, input, env);
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

function run(args: readonly string[], input: string, env = process.env): ChildProcess {
  const child = spawn(process.execPath, [join(root, 'server/main.ts'), 'up', ...args], { stdio: 'pipe', env });
  child.stdin?.end(input);
  // A run that is cut short leaves no mesh behind.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return child;
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let [out, err] = ['', ''];
    const timer = setTimeout(() => reject(new Error(`no line within ${START_LIMIT_MS} ms: ${err}`)), START_LIMIT_MS);
    child.stderr?.on('data', (chunk) => {
      err += chunk;
    });
    child.once('exit', (code) => reject(new Error(`meshwork up ended with ${code}: ${err}`)));
    child.stdout?.on('data', (chunk) => {
      out += chunk;
      if (!out.includes('\n')) return;
      clearTimeout(timer);
      resolve(out.slice(0, out.indexOf('\n')));
    });
  });
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs kubectl against the mesh with a cache of its own; undefined when this machine has none. */
export function kubectl({ line, folder }: Up, args: readonly string[], input = ''): Promise<Ran | undefined> {
  return new Promise((resolve) => {
    const child = execFile(
      'kubectl',
      [...args],
      { env: { ...process.env, KUBECONFIG: line.kubeconfig, KUBECACHEDIR: join(folder, 'cache') }, timeout: 30_000 },
      (error, out, err) => {
        if (error?.code === 'ENOENT') resolve(undefined);
        else resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, out, err });
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
