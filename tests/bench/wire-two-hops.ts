import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestCa } from '../unit/data-plane-tls/certificates.ts';
import type { HopPorts } from './wire-nginx.ts';
import { clientHopConfig, serverHopConfig, startNginx, upstreamConfig } from './wire-nginx.ts';

// Everything under test shares CPU 0, the load and the upstream share CPU 1.
const PROXY_CPU = 0;
const LOAD_CPU = 1;
const TICKS_PER_SECOND = 100;

export interface WireResult {
  readonly path: string;
  readonly connections: number;
  readonly requestsPerSecond: number;
  /** CPU of the processes under test, user and system. */
  readonly cpuMicrosPerRequest: number;
  readonly p99Ms: number;
}

export interface WireOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly rounds: number;
}

/** Two hops with HTTP/1.1 over mTLS between them: ours in one process, beside nginx behind nginx. Medians of interleaved rounds. */
export async function runWireTwoHops(options: WireOptions): Promise<readonly WireResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'meshwork-wire-'));
  const children: ChildProcess[] = [];
  try {
    await writeCertificates(folder);
    const upstream = await freePort();
    const ours: HopPorts = { client: await freePort(), server: await freePort(), upstream };
    const theirs: HopPorts = { client: await freePort(), server: await freePort(), upstream };
    children.push(startNginx(folder, 'upstream', upstreamConfig(folder, upstream), LOAD_CPU));
    const nginx = [
      startNginx(folder, 'client', clientHopConfig(folder, theirs), PROXY_CPU),
      startNginx(folder, 'server', serverHopConfig(folder, theirs), PROXY_CPU),
    ];
    const meshwork = [startOurs(folder, ours)];
    children.push(...nginx, ...meshwork);
    for (const port of [upstream, ours.client, ours.server, theirs.client, theirs.server]) await listening(port);
    const paths = [
      { path: 'nginx+nginx (H1 over TLS)', port: theirs.client, processes: nginx },
      { path: 'meshwork+meshwork (H1 over TLS)', port: ours.client, processes: meshwork },
    ];
    for (const { port } of paths) await load(port, options.connections, 1);
    const rounds: WireResult[] = [];
    for (let round = 0; round < options.rounds; round++) {
      for (const entry of paths) rounds.push(await measure(entry, options));
    }
    return paths.map(({ path }) => median(rounds.filter((result) => result.path === path)));
  } finally {
    for (const child of children) child.kill();
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writeCertificates(folder: string): Promise<void> {
  const ca = await createTestCa();
  const leaf = await ca.issue({ uris: ['spiffe://cluster.local/ns/bench/sa/bench'], dns: ['bench'] });
  writeFileSync(`${folder}/roots.pem`, ca.rootsPem);
  writeFileSync(`${folder}/leaf.pem`, leaf.chainPem);
  writeFileSync(`${folder}/leaf.key`, leaf.keyPem);
}

function startOurs(folder: string, ports: HopPorts): ChildProcess {
  const script = new URL('./wire-hops-process.ts', import.meta.url).pathname;
  const list = [folder, ports.client, ports.server, ports.upstream].map(String);
  return spawn('taskset', ['-c', String(PROXY_CPU), process.execPath, script, ...list], { stdio: 'inherit' });
}

interface Measured {
  readonly path: string;
  readonly port: number;
  readonly processes: readonly ChildProcess[];
}

async function measure(entry: Measured, options: WireOptions): Promise<WireResult> {
  const pids = entry.processes.flatMap((child) => [child.pid ?? 0, ...childrenOf(child.pid ?? 0)]);
  const before = cpuSeconds(pids);
  const result = await load(entry.port, options.connections, options.seconds);
  const cpuMicrosPerRequest = ((cpuSeconds(pids) - before) * 1e6) / result.requests;
  return {
    path: entry.path,
    connections: options.connections,
    requestsPerSecond: result.requests / result.seconds,
    cpuMicrosPerRequest,
    p99Ms: result.p99Ms,
  };
}

/** Runs wrk; throws when a request failed, because then the figures mean nothing. */
async function load(
  port: number,
  connections: number,
  seconds: number,
): Promise<{ requests: number; seconds: number; p99Ms: number }> {
  const list = ['-c', String(LOAD_CPU), 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency'];
  const wrk = spawn('taskset', [...list, `http://127.0.0.1:${port}/s`], { stdio: ['ignore', 'pipe', 'inherit'] });
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

function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}

function median(results: readonly WireResult[]): WireResult {
  const sorted = [...results].sort((a, b) => a.requestsPerSecond - b.requestsPerSecond);
  return sorted[Math.floor(sorted.length / 2)]!;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address with a port');
  return address.port;
}

/** Waits, at most five seconds, until somebody listens. */
async function listening(port: number): Promise<void> {
  const until = Date.now() + 5000;
  while (!(await accepts(port))) {
    if (Date.now() > until) throw new Error(`nobody listens on port ${port}`);
    await delay(20);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** False where a tool is missing; the caller then skips this benchmark and says so. */
export function canRunWireTwoHops(): boolean {
  try {
    for (const tool of ['nginx', 'wrk', 'taskset']) execFileSync('which', [tool], { stdio: 'ignore' });
    return true;
  } catch {
    // `which` exits with 1 when there is no such tool.
    return false;
  }
}

if (import.meta.main) {
  const [connections = 48, seconds = 3, rounds = 3] = process.argv.slice(2).map(Number);
  const results = await runWireTwoHops({ connections, seconds, rounds });
  console.table(results);
  const [nginx, meshwork] = results;
  console.log(`ratio ${(meshwork!.requestsPerSecond / nginx!.requestsPerSecond).toFixed(2)}`);
}
