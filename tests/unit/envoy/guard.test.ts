import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const guard = join(import.meta.dirname, '../../../server/envoy/guard.ts');
/** A process with a child that would run for an hour, and a folder for it. */
const HOLDER = `
import { spawn } from 'node:child_process';
import { guardedFolder } from ${JSON.stringify(guard)};
const folder = guardedFolder();
const child = spawn('sleep', ['3600'], { detached: true, stdio: 'ignore' });
folder.holds(child.pid);
console.log(JSON.stringify({ pid: child.pid, path: folder.path }));
process.stdin.on('data', () => process.exit(0));
`;

const runs = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it.each([
  ['is killed', (pid: number) => process.kill(pid, 'SIGKILL')],
  ['is interrupted', (pid: number) => process.kill(pid, 'SIGTERM')],
])('ends the children and removes the folders of a process that %s', async (_how, end) => {
  const holder = spawn(process.execPath, ['--input-type=module-typescript', '-e', HOLDER], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [told] = (await once(holder.stdout, 'data')) as [Buffer];
  const { pid, path } = JSON.parse(told.toString('utf8')) as { pid: number; path: string };
  expect([runs(pid), existsSync(path)]).toEqual([true, true]);
  end(holder.pid!);
  await expect.poll(() => [runs(pid), existsSync(dirname(path))], { timeout: 10_000 }).toEqual([false, false]);
});
