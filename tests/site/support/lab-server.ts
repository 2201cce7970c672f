import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as base, expect, type Page } from '@playwright/test';
import { sandboxProgram } from '../../../scripts/build-sandbox.mjs';
import { pinnedNode } from '../../../scripts/node.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const START_MS = 20_000;

/** A lab server of this worker's own: the real one, with an empty database, on a port that the system chose. */
export interface LabServer {
  /** `http://127.0.0.1:40123` */
  readonly url: string;
  /** Sandbox processes that it forked, oldest first (Linux only). */
  children(): number[];
}

async function start(): Promise<{ server: LabServer; child: ChildProcess }> {
  const args = [
    '--disable-warning=ExperimentalWarning',
    'server/main.ts',
    'start',
    '--port',
    '0',
    '--data',
    ':memory:',
  ];
  // Each test is a learner with a mesh; those that were left behind must not take the time of the next. Meshes start from the joined
  // code, as with `npm start`.
  const env = { ...process.env, MESHWORK_SLEEP_MS: '5000', MESHWORK_SANDBOX: sandboxProgram };
  const child = spawn(pinnedNode(), args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env });
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no lab server after ${START_MS} ms: ${said}`)), START_MS);
    const hear = (chunk: Buffer): void => {
      said += chunk.toString('utf8');
      const found = /Meshwork is at (http:\/\/\S+?)\/?\s/.exec(said)?.[1];
      if (found === undefined) return;
      clearTimeout(late);
      resolve(found);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) => reject(new Error(`the lab server ended with code ${code}: ${said}`)));
  });
  return { server: { url, children: () => childrenOf(child.pid ?? 0) }, child };
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => parentOf(each) === pid)
    .sort((a, b) => a - b);
}

/** Undefined for a process that ended while it was looked at. */
function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined;
    throw error;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await ended;
}

interface Worker {
  lab: LabServer;
}

interface Own {
  /** Everything that must not happen on any page: console errors, failed requests, requests to elsewhere. */
  faults: string[];
}

export const test = base.extend<Own, Worker>({
  lab: [
    async ({ browserName: _any }, use) => {
      const { server, child } = await start();
      await use(server);
      await stop(child);
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ lab }, use) => use(lab.url),
  // Moving marks cost a software renderer more than the rest of the page; the test of motion asks for them.
  contextOptions: { reducedMotion: 'reduce' },
  faults: async ({ page, lab }, use) => {
    const faults: string[] = [];
    watch(page, lab.url, faults);
    await use(faults);
  },
});

/** Notes in `faults` what a page does that no page may do. */
export function watch(page: Page, origin: string, faults: string[]): void {
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.message}`));
  page.on('request', (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:' && asked !== origin)
      faults.push(`left the origin: ${request.url()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
}

export { expect };
