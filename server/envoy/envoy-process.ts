import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '#domain';

/** A real Envoy as a child process. */
export interface EnvoyProcess {
  /** GET on its admin port, or POST. */
  admin(path: string, method?: 'GET' | 'POST'): Promise<string>;
  /** Everything it wrote on standard output: its access log. */
  accessLog(): readonly string[];
  /** Its own log. */
  log(): string;
  /** Where both are written. */
  readonly files: { readonly access: string; readonly own: string };
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export interface EnvoyOptions {
  readonly program: string;
  readonly bootstrap: object;
  readonly adminIp: string;
  readonly clock: Clock;
  /** Aborted: it is not waited for any longer. */
  readonly signal?: AbortSignal;
  /** How long it may take to become live; absent: as long as it takes. */
  readonly startMs?: number;
}

const ADMIN_PORT = 15000;
const KILL_MS = 3000;
const ASK_EVERY_MS = 20;

/** Starts Envoy and resolves when it is live (its clusters and listeners are warm). */
export async function startEnvoy(options: EnvoyOptions): Promise<EnvoyProcess> {
  const { program, bootstrap, adminIp, clock } = options;
  const folder = mkdtempSync(join(tmpdir(), 'meshwork-envoy-'));
  const files = { access: join(folder, 'access.log'), own: join(folder, 'envoy.log') };
  const config = join(folder, 'bootstrap.json');
  // A command line has no room for every case.
  writeFileSync(config, JSON.stringify(bootstrap));
  // Files, because Envoy opens /dev/stdout anew, which a socket (Node's "pipe") refuses.
  const descriptors = [openSync(files.access, 'a'), openSync(files.own, 'a')] as const;
  const args = ['--config-path', config, '--concurrency', '1', '--use-dynamic-base-id'];
  const child = spawn(
    program,
    [...args, '--file-flush-interval-msec', '20', '--log-level', 'warning', '--component-log-level', 'misc:error'],
    {
      stdio: ['ignore', ...descriptors],
      env: {},
    },
  );
  for (const descriptor of descriptors) closeSync(descriptor);
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      hasEnded = true;
      resolve();
    };
    child.once('exit', end);
    child.once('error', end);
  });
  const log = (): string => readFileSync(files.own, 'utf8');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = clock.after(KILL_MS, () => child.kill('SIGKILL'));
    await ended;
    timer.cancel();
    rmSync(folder, { recursive: true, force: true });
  };
  const admin: EnvoyProcess['admin'] = (path, method = 'GET') => ask(adminIp, path, method);
  try {
    await live(options, admin, () => {
      if (hasEnded) throw new Error(`Envoy ended:\n${log()}`);
    });
  } catch (cause) {
    const text = log();
    await stop();
    throw new Error(`Envoy did not become live:\n${text}`, { cause });
  }
  const accessLog = (): readonly string[] => readFileSync(files.access, 'utf8').split('\n').filter(Boolean);
  return { admin, log, accessLog, files, ended, stop };
}

async function live(
  { clock, signal, startMs = Number.POSITIVE_INFINITY }: EnvoyOptions,
  admin: EnvoyProcess['admin'],
  check: () => void,
): Promise<void> {
  const until = clock.monotonic() + startMs;
  for (;;) {
    check();
    if ((await admin('/ready').catch(() => '')).startsWith('LIVE')) return;
    if (signal?.aborted === true) throw new Error('it was stopped while it started');
    if (clock.monotonic() > until) throw new Error(`not within ${startMs} ms`);
    await new Promise<void>((resolve) => clock.after(ASK_EVERY_MS, resolve));
  }
}

function ask(ip: string, path: string, method: 'GET' | 'POST'): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: ip, port: ADMIN_PORT, path, method, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}
