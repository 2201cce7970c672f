import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where a child process says which process it is, in its folder. */
const PID_FILE = 'pid';

/** Waits until its input ends, which is when this process has ended in whatever way; then nothing of it may be left. */
const SCRIPT = `trap '' INT TERM HUP
while read -r _; do :; done
for file in "$1"/*/${PID_FILE}; do
  [ -f "$file" ] && read -r pid < "$file" && kill -9 "$pid"
done
rm -rf "$1"`;

let guarded: string | undefined;

/** The folder of all folders of this process. With the first one comes a shell that outlives the process and clears up. */
function guardedRoot(): string {
  if (guarded !== undefined) return guarded;
  const root = mkdtempSync(join(tmpdir(), 'meshwork-envoy-'));
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'guard', root], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Signals of the terminal are for this process, which ends its children in order.
    detached: true,
    env: { PATH: '/usr/bin:/bin' },
  });
  // Without a shell, what is left after a crash stays.
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  shell.unref();
  (shell.stdin as unknown as { unref(): void }).unref();
  guarded = root;
  return root;
}

/** A folder for a child process and its files. Both are gone soon after this process has ended, even when it was killed. */
export interface GuardedFolder {
  readonly path: string;
  /** The child process that is to end with this one. */
  holds(pid: number): void;
  remove(): void;
}

export function guardedFolder(): GuardedFolder {
  const path = mkdtempSync(join(guardedRoot(), 'envoy-'));
  return {
    path,
    holds: (pid) => writeFileSync(join(path, PID_FILE), `${pid}\n`),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
