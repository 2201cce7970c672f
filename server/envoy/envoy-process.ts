import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type Clock, errorMessage } from '#domain';
import { guardedFolder } from './guard.ts';

/** A real Envoy as a child process. */
export interface EnvoyProcess {
  /** GET on its admin port, or POST. */
  admin(path: string, method?: 'GET' | 'POST'): Promise<string>;
  /** Everything it wrote on standard output: its access log. */
  accessLog(): readonly string[];
  /** Its own log. */
  log(): string;
  /** Where both are written, and where `hops` of the bootstrap are. */
  readonly files: EnvoyFiles;
  /** Resolves when the process has ended, with how: `signal: killed`, `exit status 1`. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

export interface EnvoyFiles {
  /** Its access log. */
  readonly access: string;
  readonly own: string;
  /** Where its listeners may be told to write further entries. */
  readonly hops: string;
}

export interface EnvoyOptions {
  readonly program: string;
  /** What it is started with; a function is told of its files. */
  readonly bootstrap: object | ((files: EnvoyFiles) => Promise<object>);
  readonly adminIp: string;
  readonly clock: Clock;
  /** Aborted: it is not waited for any longer. */
  readonly signal?: AbortSignal;
  /** How long it may take to become live; absent: as long as it takes. */
  readonly startMs?: number;
}

/** Signals in the words of Istio's agent, which are those of Go. */
const SIGNALS: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGILL: 'illegal instruction',
  SIGINT: 'interrupt',
  SIGKILL: 'killed',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
};

const ADMIN_PORT = 15000;
/** How long a line of a log may wait before it is written. */
export const FLUSH_MS = 20;
/** As Istio's agent starts Envoy, but for one thread and logs that are there at once. Source: args in istio pkg/envoy/proxy.go. */
const AS_ISTIO = [
  ...['--drain-time-s', '45', '--drain-strategy', 'immediate', '--local-address-ip-version', 'v4'],
  ...['--disable-hot-restart', '--allow-unknown-static-fields', '--skip-deprecated-logs'],
  ...['--concurrency', '1', '--file-flush-interval-msec', `${FLUSH_MS}`],
  ...['--log-level', 'warning', '--component-log-level', 'misc:error'],
];
const KILL_MS = 3000;
const ASK_EVERY_MS = 20;

/** Starts Envoy and resolves when it is live (its clusters and listeners are warm). */
export async function startEnvoy(options: EnvoyOptions): Promise<EnvoyProcess> {
  const { program, bootstrap, adminIp, clock } = options;
  const folder = guardedFolder();
  const [access, own, hops] = ['access.log', 'envoy.log', 'hops.log'].map((name) => join(folder.path, name));
  const files: EnvoyFiles = { access: access!, own: own!, hops: hops! };
  const config = join(folder.path, 'bootstrap.json');
  // A command line has no room for every case.
  writeFileSync(config, JSON.stringify(typeof bootstrap === 'function' ? await bootstrap(files) : bootstrap));
  writeFileSync(files.hops, '');
  // Files, because Envoy opens /dev/stdout anew, which a socket (Node's "pipe") refuses.
  const descriptors = [openSync(files.access, 'a'), openSync(files.own, 'a')] as const;
  const args = ['--config-path', config, ...AS_ISTIO];
  const child = spawn(program, args, {
    stdio: ['ignore', ...descriptors],
    // Ctrl-C in a terminal is for us: we end it when nothing needs it any more.
    detached: true,
    env: {},
  });
  if (child.pid !== undefined) folder.holds(child.pid);
  for (const descriptor of descriptors) closeSync(descriptor);
  let how: string | undefined;
  const ended = new Promise<string>((resolve) => {
    const end = (text: string): void => {
      how ??= text;
      resolve(how);
    };
    child.once('exit', (code, signal) =>
      end(signal === null ? `exit status ${code}` : `signal: ${SIGNALS[signal] ?? signal}`),
    );
    child.once('error', (cause) => end(errorMessage(cause)));
  });
  const log = (): string => readFileSync(files.own, 'utf8');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = clock.after(KILL_MS, () => child.kill('SIGKILL'));
    await ended;
    timer.cancel();
    folder.remove();
  };
  const admin: EnvoyProcess['admin'] = (path, method = 'GET') => ask(adminIp, path, method);
  try {
    await live(options, admin, () => {
      if (how !== undefined) throw new Error(`Envoy ended (${how}):\n${log()}`);
    });
  } catch (cause) {
    const text = log();
    await stop();
    throw new Error(`Envoy did not become live:\n${text}`, { cause });
  }
  // What stands behind the last line end is not written to its end yet.
  const accessLog = (): readonly string[] =>
    readFileSync(files.access, 'utf8').split('\n').slice(0, -1).filter(Boolean);
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
