import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pinnedNode } from '../../../scripts/node.mjs';
import { root } from '../labs.ts';

const START_MS = 30_000;

/** A lab server of the bench's own, as `npm start` runs it, on a port that the system chose. */
export async function startLab(): Promise<{ url: string; child: ChildProcess; stop: () => Promise<void> }> {
  const args = [
    '--disable-warning=ExperimentalWarning',
    join(root, 'server/main.ts'),
    'start',
    '--port',
    '0',
    '--data',
    ':memory:',
  ];
  const child = spawn(pinnedNode(), args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    const late = setTimeout(() => reject(new Error(`no lab server after ${START_MS} ms: ${said}`)), START_MS);
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
      const found = /Meshwork is at (http:\/\/\S+?)\/?\s/.exec(said)?.[1];
      if (found === undefined) return;
      clearTimeout(late);
      resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the lab server ended with code ${code}: ${said}`)));
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    await ended;
  };
  return { url, child, stop };
}
