import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../support/free-port.ts';
import type { LoadOptions, LoadResult, MeasuredPath } from './measure.ts';
import { compareThroughput, LOAD_CPU, listening, startPinned, stopAll, withCertificates } from './measure.ts';
import type { MeshAddresses } from './mesh-process.ts';
import { startNginx, upstreamConfig } from './wire-nginx.ts';
import { startPeers } from './wire-peers.ts';

export interface MeshPaths {
  readonly direct: MeasuredPath;
  /** The application that all ways lead to; it runs beside the load. */
  readonly upstream: readonly ChildProcess[];
  /** Two hops of nginx, then of haproxy and Envoy where they are installed. */
  readonly peers: readonly MeasuredPath[];
  readonly meshwork: MeasuredPath;
}

/** `s`: 200 B, `b`: 10 KB. */
export type Page = 's' | 'b';

/**
 * Runs `use` with the ways to one upstream: direct, through two nginx hops with mTLS between them, the same with other proxies, and through the
 * whole mesh (ingress gateway, mTLS, sidecar) in one process. Needs nginx and taskset.
 */
export function withMeshPaths<T>(subnet: number, use: (paths: (page: Page) => MeshPaths) => Promise<T>): Promise<T> {
  return withCertificates(async (folder) => {
    const children: ChildProcess[] = [];
    const hops = (...started: ChildProcess[]): ChildProcess[] => {
      children.push(...started);
      return started;
    };
    try {
      const [mesh] = hops(startPinned('./mesh-process.ts', [subnet], 'ipc'));
      const { application: hidden, ingress } = await addressesOf(mesh!);
      const port = await freePort();
      const doors = [port, `${hidden.ip}:${hidden.port}`];
      const upstream = hops(startNginx(folder, 'upstream', upstreamConfig(folder, ...doors), LOAD_CPU));
      await listening(port);
      const peers = await startPeers(folder, port, children);
      return await use((page) => {
        const url = (ip: string, door: number): string => `http://${ip}:${door}/${page}`;
        return {
          direct: { path: 'direct', url: url('127.0.0.1', port), processes: [] },
          upstream,
          peers: peers.map(({ path, ports, processes }) => ({ path, url: url('127.0.0.1', ports.client), processes })),
          meshwork: { path: 'meshwork', url: url(ingress.ip, ingress.port), processes: [mesh!] },
        };
      });
    } finally {
      await stopAll(children);
    }
  });
}

/** The throughput of all ways side by side, each against nginx behind nginx. */
export async function compareMeshPaths(
  paths: MeshPaths,
  options: LoadOptions,
): Promise<{ results: readonly LoadResult[]; ratio: number }> {
  const results = await compareThroughput([...paths.peers, paths.meshwork], options);
  return { results, ratio: results.at(-1)!.requestsPerSecond / results[0]!.requestsPerSecond };
}

/** What a mesh says once it has started. */
export function addressesOf(mesh: ChildProcess): Promise<MeshAddresses> {
  return Promise.race([
    once(mesh, 'message').then(([addresses]) => addresses as MeshAddresses),
    once(mesh, 'exit').then(() => Promise.reject(new Error('the mesh did not start; its reason stands above'))),
  ]);
}

if (import.meta.main) {
  const [connections = 48, seconds = 3, rounds = 3, subnet = 231] = process.argv.slice(2, 6).map(Number);
  const page: Page = process.argv[6] === 'b' ? 'b' : 's';
  await withMeshPaths(subnet, async (paths) => {
    const { results, ratio } = await compareMeshPaths(paths(page), { connections, seconds, rounds });
    console.table(results);
    console.log(`ratio ${ratio.toFixed(2)}`);
  });
}
