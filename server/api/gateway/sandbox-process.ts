import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock, Timer } from '#domain';
import type { FromSandbox, ToSandbox } from '../protocol.ts';
import { v8Flags } from './v8-flags.ts';

export interface SandboxProcessOptions {
  /** Folder of the project; the child may read its code and labs, and nothing else (the learners' database least of all). */
  readonly root: string;
  /** All code of the child in one file (`scripts/build-sandbox.mjs`), beside what starts it; undefined: it runs from the sources. */
  readonly program?: string | undefined;
  readonly clock: Clock;
  readonly heapLimitMb: number;
  /** Without a pong for so long the child counts as hung and is ended. */
  readonly hungAfterMs: number;
  readonly onMessage: (message: FromSandbox) => void;
  /** Called once. `reason` is for the learner, `output` what the process wrote last, for the operator. */
  readonly onExit: (reason: string, output: string) => void;
}

/** A forked child that holds one learner's mesh. It dies alone. */
export interface SandboxProcess {
  send(message: ToSandbox): void;
  /** Asks it to stop, ends it after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  readonly pid: number;
}

const PING_EVERY_MS = 2000;
/** A machine with much else to do may take long to load a mesh's modules, and nothing answers meanwhile. */
const LOADS_WITHIN_MS = 60_000;

const READABLE = ['package.json', 'server/*', 'labs/*', 'node_modules/*'] as const;

/**
 * Permissions of the child: network and reading its own code; no processes, no workers, no environment, and no writes. Where it runs from
 * the sources, it may write Node's compile cache, a right that it gives up before it takes its first message.
 */
function childArguments(options: SandboxProcessOptions, cache: string | undefined): string[] {
  return [
    '--permission',
    '--allow-net',
    ...READABLE.map((path) => `--allow-fs-read=${join(options.root, path)}`),
    ...(options.program === undefined ? [] : [`--allow-fs-read=${join(dirname(options.program), '*')}`]),
    ...(cache === undefined ? [] : [`--allow-fs-read=${cache}/*`, `--allow-fs-write=${cache}/*`]),
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=SecurityWarning',
    ...v8Flags(options.heapLimitMb),
  ];
}

/** Where Node keeps code that it has compiled; undefined where the project's folder cannot be written to. */
function compileCache(root: string): string | undefined {
  const folder = join(root, '.cache', 'node');
  try {
    mkdirSync(folder, { recursive: true });
    return folder;
  } catch {
    // A read-only installation: every start compiles anew.
    return undefined;
  }
}

/**
 * Settings of glibc's malloc. It keeps freed memory for each thread that asked for some, and most threads of a sandbox are V8's helpers: one arena
 * is worth 14 MB. From this size on, in bytes, memory comes from the system and goes back to it; glibc would raise the size with each that is
 * freed, and logs that grow would leave holes of megabytes.
 */
const MALLOC = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072' } as const;

export function forkSandbox(options: SandboxProcessOptions): SandboxProcess {
  const { program } = options;
  // Joined code brings what was compiled of it along.
  const cache = program === undefined ? compileCache(options.root) : undefined;
  const main =
    program === undefined
      ? join(options.root, 'server', 'sandbox-main.ts')
      : join(dirname(program), 'sandbox-joined.mjs');
  const child: ChildProcess = fork(main, program === undefined ? [] : [program], {
    cwd: options.root,
    env: { ...MALLOC, ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }) },
    execArgv: childArguments(options, cache),
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Ctrl+C goes to the lab server, which stops its children in order.
    detached: true,
  });
  let lastPongMs = options.clock.monotonic();
  /** It has said something: its modules are loaded. */
  let loaded = false;
  let stopping = false;
  let hung = false;
  let stderrTail = '';
  let heartbeat: Timer | undefined;

  const send = (message: ToSandbox): void => {
    if (child.connected) child.send(message);
  };
  const beat = (): void => {
    if (options.clock.monotonic() - lastPongMs > (loaded ? options.hungAfterMs : LOADS_WITHIN_MS)) {
      hung = true;
      child.kill('SIGKILL');
      return;
    }
    send({ kind: 'ping' });
    heartbeat = options.clock.after(PING_EVERY_MS, beat);
  };
  heartbeat = options.clock.after(PING_EVERY_MS, beat);

  child.stderr?.on('data', (chunk: Buffer) => {
    stderrTail = (stderrTail + chunk.toString('utf8')).slice(-4000);
  });
  child.on('message', (message: FromSandbox) => {
    lastPongMs = options.clock.monotonic();
    loaded = true;
    if (message.kind !== 'pong') options.onMessage(message);
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      heartbeat?.cancel();
      resolve();
      if (!stopping) options.onExit(exitReason({ code, signal, hung, stderrTail }), stderrTail);
    });
    child.once('error', () => resolve());
  });

  return {
    pid: child.pid ?? 0,
    send,
    stop: async (graceMs) => {
      stopping = true;
      heartbeat?.cancel();
      send({ kind: 'stop' });
      const force = options.clock.after(graceMs, () => child.kill('SIGKILL'));
      await exited;
      force.cancel();
    },
  };
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly hung: boolean;
  readonly stderrTail: string;
}

function exitReason(exit: Exit): string {
  if (exit.hung) return 'The mesh stopped answering and was ended.';
  if (/heap out of memory|Allocation failed/i.test(exit.stderrTail) || exit.signal === 'SIGABRT')
    return 'The mesh ran out of memory.';
  return `The mesh process ended (${exit.signal ?? `exit code ${exit.code}`}).`;
}
