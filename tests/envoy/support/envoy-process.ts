import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEnvoy } from './find-envoy.ts';
import { waitFor } from './wait.ts';

/** A real Envoy as a child process. */
export interface EnvoyProcess {
  /** GET on its admin port. */
  admin(path: string): Promise<string>;
  /** Everything it wrote on standard output: its access log. */
  accessLog(): readonly string[];
  /** Its own log. */
  log(): string;
  stop(): Promise<void>;
}

const START_MS = 15_000;
const KILL_MS = 3000;

/** Starts Envoy and resolves when it is live (its clusters and listeners are warm). */
export async function startEnvoy(bootstrap: object, adminIp: string): Promise<EnvoyProcess> {
  const program = findEnvoy();
  if (program === undefined) throw new Error('envoy is not on PATH');
  const folder = mkdtempSync(join(tmpdir(), 'meshwork-envoy-'));
  const files = {
    access: join(folder, 'access.log'),
    own: join(folder, 'envoy.log'),
    bootstrap: join(folder, 'bootstrap.json'),
  };
  // A command line has no room for every case.
  writeFileSync(files.bootstrap, JSON.stringify(bootstrap));
  // Files, because Envoy opens /dev/stdout anew, which a socket (Node's "pipe") refuses.
  const descriptors = [openSync(files.access, 'a'), openSync(files.own, 'a')] as const;
  const args = ['--config-path', files.bootstrap, '--concurrency', '1', '--use-dynamic-base-id'];
  const child = spawn(program, [...args, '--file-flush-interval-msec', '20', '--log-level', 'warning'], {
    stdio: ['ignore', ...descriptors],
    env: {},
  });
  for (const descriptor of descriptors) closeSync(descriptor);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  const log = (): string => readFileSync(files.own, 'utf8');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), KILL_MS);
    await ended;
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true });
  };
  const admin = (path: string): Promise<string> => adminGet(adminIp, path);
  try {
    await waitFor('Envoy is live', START_MS, async () => {
      if (hasEnded) throw new Error(`Envoy ended:\n${log()}`);
      const answer = await admin('/ready').catch(() => '');
      return answer.startsWith('LIVE') ? true : undefined;
    });
  } catch (cause) {
    const text = log();
    await stop();
    throw new Error(`Envoy did not become live:\n${text}`, { cause });
  }
  const accessLog = (): readonly string[] => readFileSync(files.access, 'utf8').split('\n').filter(Boolean);
  return { admin, log, accessLog, stop };
}

function adminGet(ip: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: ip, port: 15000, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    }).on('error', reject);
  });
}
