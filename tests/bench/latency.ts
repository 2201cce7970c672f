import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { LatencyResult, LatencyTask } from './latency-client.ts';
import { LOAD_CPU, type MeasuredPath, PROXY_CPU, pin, startPinned, stopAll } from './measure.ts';
import type { MeshPaths } from './mesh-path.ts';
import { median } from './statistics.ts';

export interface AddedLatency {
  readonly path: string;
  /** Milliseconds over the direct way. */
  readonly addedP50Ms: number;
  readonly addedP99Ms: number;
}

export interface LatencyReport {
  readonly perSecond: number;
  readonly connections: number;
  readonly directP50Ms: number;
  readonly directP99Ms: number;
  readonly added: readonly AddedLatency[];
}

const PER_SECOND = 1000;
const CONNECTIONS = 16;

/**
 * Latency at a fixed rate, round after round on each path; medians of the rounds. The client is alone on its CPU meanwhile: to wake the other
 * CPU costs a virtual machine as much as a hop, and so every way, the direct one too, does it twice, when a request comes and when its answer goes.
 */
export async function measureLatency(
  { direct, upstream, peers, meshwork }: MeshPaths,
  options: { readonly rounds: number; readonly seconds: number },
): Promise<LatencyReport> {
  const ways = [...peers, meshwork];
  const client = startPinned('./latency-client.ts', [], 'ipc', LOAD_CPU);
  pin(upstream, PROXY_CPU);
  try {
    const results = new Map<string, LatencyResult[]>();
    for (let round = 0; round <= options.rounds; round++) {
      for (const { path, url } of [direct, ...ways]) {
        const task = { url, perSecond: PER_SECOND, seconds: options.seconds, connections: CONNECTIONS };
        const result = await ask(client, task);
        if (result.failed > 0) throw new Error(`${path}: ${result.failed} of ${result.requests} requests failed`);
        // The first round warms up.
        if (round > 0) results.set(path, [...(results.get(path) ?? []), result]);
      }
    }
    const middle = (entry: MeasuredPath, figure: 'p50Ms' | 'p99Ms'): number =>
      median((results.get(entry.path) ?? []).map((result) => result[figure]));
    const [directP50Ms, directP99Ms] = [middle(direct, 'p50Ms'), middle(direct, 'p99Ms')];
    const added = ways.map((entry) => ({
      path: entry.path,
      addedP50Ms: middle(entry, 'p50Ms') - directP50Ms,
      addedP99Ms: middle(entry, 'p99Ms') - directP99Ms,
    }));
    return { perSecond: PER_SECOND, connections: CONNECTIONS, directP50Ms, directP99Ms, added };
  } finally {
    pin(upstream, LOAD_CPU);
    await stopAll([client]);
  }
}

async function ask(client: ChildProcess, task: LatencyTask): Promise<LatencyResult> {
  client.send(task);
  const [result] = (await once(client, 'message')) as [LatencyResult];
  return result;
}
