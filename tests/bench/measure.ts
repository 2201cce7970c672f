import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HEAP_LIMIT_MB, v8Flags } from '../../server/api/gateway/v8-flags.ts';
import { createTestCa } from '../unit/data-plane-tls/certificates.ts';
import { medianBy } from './statistics.ts';

/** Everything under test shares this CPU. */
export const PROXY_CPU = 0;
/** The load and the upstream share this one. */
export const LOAD_CPU = 1;
const TICKS_PER_SECOND = 100;
const WARM_UP_SECONDS = 2;
const MOST_WARM_UPS = 12;
/** A run that brings no more than this over the best before is as good as that. */
const QUICKER = 1.03;
/** So many in a row: between two parts of its work the compiler rests for longer than one run. */
const STILL = 3;

/** One way to the upstream, and the processes whose CPU it costs. */
export interface MeasuredPath {
  readonly path: string;
  /** `http://127.0.0.1:4711/s` */
  readonly url: string;
  readonly processes: readonly ChildProcess[];
}

export interface LoadResult {
  readonly path: string;
  readonly connections: number;
  readonly requestsPerSecond: number;
  /** CPU of the processes under test, user and system. */
  readonly cpuMicrosPerRequest: number;
  readonly p99Ms: number;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly rounds: number;
}

/**
 * Loads a way until some runs in a row are hardly quicker than the best before them. V8 compiles under load what a request needs, on the CPU that
 * serves: that is done after ten seconds or so.
 */
async function warmUp(url: string, connections: number): Promise<void> {
  let best = 0;
  for (let run = 0, still = 0; run < MOST_WARM_UPS && still < STILL; run++) {
    const { requests, seconds } = await runWrk(url, connections, WARM_UP_SECONDS);
    still = requests / seconds > QUICKER * best ? 0 : still + 1;
    best = Math.max(best, requests / seconds);
  }
}

/** Loads every path in turn, round after round; the median of each path's rounds, in the order of `paths`. */
export async function compareThroughput(
  paths: readonly MeasuredPath[],
  options: LoadOptions,
): Promise<readonly LoadResult[]> {
  for (const { url } of paths) await warmUp(url, options.connections);
  const results: LoadResult[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const entry of paths) results.push(await measureThroughput(entry, options));
  }
  return paths.map(({ path }) =>
    medianBy(
      results.filter((result) => result.path === path),
      ({ requestsPerSecond }) => requestsPerSecond,
    ),
  );
}

async function measureThroughput(entry: MeasuredPath, options: LoadOptions): Promise<LoadResult> {
  const before = cpuSecondsOf(entry);
  const result = await runWrk(entry.url, options.connections, options.seconds);
  const cpuMicrosPerRequest = ((cpuSecondsOf(entry) - before) * 1e6) / result.requests;
  return {
    path: entry.path,
    connections: options.connections,
    requestsPerSecond: result.requests / result.seconds,
    cpuMicrosPerRequest,
    p99Ms: result.p99Ms,
  };
}

/** Runs wrk; throws when a request failed, because then the figures mean nothing. */
export async function runWrk(
  url: string,
  connections: number,
  seconds: number,
): Promise<{ requests: number; seconds: number; p99Ms: number }> {
  const list = ['-c', String(LOAD_CPU), 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency'];
  const wrk = spawn('taskset', [...list, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  wrk.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await once(wrk, 'close');
  const total = /(\d+) requests in ([\d.]+)s/.exec(text);
  if (!total || /Non-2xx|Socket errors/.test(text)) throw new Error(`the load generator reports:\n${text}`);
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(text);
  const unit = p99?.[2] === 'us' ? 0.001 : p99?.[2] === 's' ? 1000 : 1;
  return { requests: Number(total[1]), seconds: Number(total[2]), p99Ms: Number(p99?.[1] ?? 0) * unit };
}

/** CPU that the processes of a path have used so far, user and system, their children included. */
export const cpuSecondsOf = ({ processes }: MeasuredPath): number =>
  cpuSeconds(processes.flatMap((child) => [child.pid ?? 0, ...childrenOf(child.pid ?? 0)]));

function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Moves processes to one CPU, their children included. */
export function pin(processes: readonly ChildProcess[], cpu: number): void {
  const pids = processes.flatMap((child) => [child.pid ?? 0, ...childrenOf(child.pid ?? 0)]);
  for (const pid of pids) execFileSync('taskset', ['-a', '-c', '-p', String(cpu), String(pid)], { stdio: 'ignore' });
}

/** Memory of a process in MB, pages that it shares with others counted in parts (PSS). */
export function proportionalMb(pid: number): number {
  const kb = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
  return Number(kb ?? 0) / 1024;
}

/** Resident memory of a process in MB. */
export function residentMb(pid: number): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb ?? 0) / 1024;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}

/** Waits, at most five seconds, until somebody listens. */
export async function listening(port: number, host = '127.0.0.1'): Promise<void> {
  const until = Date.now() + 5000;
  while (!(await accepts(port, host))) {
    if (Date.now() > until) throw new Error(`nobody listens on ${host}:${port}`);
    await delay(20);
  }
}

function accepts(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/**
 * Runs this project's node on a script, on one CPU, with the settings of V8 that sandboxes have. BENCH_NODE_FLAGS go to node: `--cpu-prof`
 * shows where the time goes.
 */
export function startPinned(
  script: string,
  list: readonly (string | number)[],
  stdio: 'inherit' | 'ipc',
  cpu = PROXY_CPU,
): ChildProcess {
  const path = new URL(script, import.meta.url).pathname;
  const flags = [...v8Flags(HEAP_LIMIT_MB), ...(process.env['BENCH_NODE_FLAGS']?.split(' ') ?? [])];
  return spawn('taskset', ['-c', String(cpu), process.execPath, ...flags, path, ...list.map(String)], {
    stdio: stdio === 'ipc' ? ['ignore', 'inherit', 'inherit', 'ipc'] : 'inherit',
  });
}

export async function stopAll(children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) child.kill();
  await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
}

/** Runs `use` with a temporary folder that holds leaf.pem, leaf.key and roots.pem of one SPIFFE identity. */
export async function withCertificates<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'meshwork-bench-'));
  try {
    const ca = await createTestCa();
    const leaf = await ca.issue({ uris: ['spiffe://cluster.local/ns/bench/sa/bench'], dns: ['bench'] });
    writeFileSync(`${folder}/roots.pem`, ca.rootsPem);
    writeFileSync(`${folder}/leaf.pem`, leaf.chainPem);
    writeFileSync(`${folder}/leaf.key`, leaf.keyPem);
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Which of the tools are not installed. */
export function missingTools(tools: readonly string[]): readonly string[] {
  return tools.filter((tool) => {
    try {
      execFileSync('which', [tool], { stdio: 'ignore' });
      return false;
    } catch {
      // `which` exits with 1 when there is no such tool.
      return true;
    }
  });
}
