import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../support/free-port.ts';
import type { LoadOptions, LoadResult, MeasuredPath } from './measure.ts';
import {
  compareThroughput,
  LOAD_CPU,
  listening,
  missingTools,
  PROXY_CPU,
  startPinned,
  stopAll,
  withCertificates,
} from './measure.ts';
import type { MeshAddresses } from './mesh-process.ts';
import { haproxyClientConfig, haproxyServerConfig, startHaproxy } from './wire-haproxy.ts';
import type { HopPorts } from './wire-nginx.ts';
import { clientHopConfig, serverHopConfig, startNginx, upstreamConfig } from './wire-nginx.ts';

export interface MeshPaths {
  readonly direct: MeasuredPath;
  readonly nginx: MeasuredPath;
  /** With HTTP/2 between its hops; undefined where haproxy is not installed. */
  readonly haproxy: MeasuredPath | undefined;
  readonly meshwork: MeasuredPath;
}

/** `s`: 200 B, `b`: 10 KB. */
export type Page = 's' | 'b';

/**
 * Runs `use` with the ways to one upstream: direct, through two nginx hops with mTLS between them, the same with haproxy, and through the
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
      const { application, ingress } = await addressesOf(mesh!);
      const upstream = await freePort();
      const [one, two] = [await newPorts(upstream), await newPorts(upstream)];
      const doors = [upstream, `${application.ip}:${application.port}`];
      hops(startNginx(folder, 'upstream', upstreamConfig(folder, ...doors), LOAD_CPU));
      const nginx = hops(
        startNginx(folder, 'client', clientHopConfig(folder, one), PROXY_CPU),
        startNginx(folder, 'server', serverHopConfig(folder, one), PROXY_CPU),
      );
      const haproxy = hops(...startHaproxyHops(folder, two));
      const ports = [upstream, one.client, one.server, ...(haproxy.length > 0 ? [two.client, two.server] : [])];
      for (const port of ports) await listening(port);
      return await use((page) => {
        const url = (ip: string, port: number): string => `http://${ip}:${port}/${page}`;
        const ownPath = (path: string, port: number, processes: ChildProcess[]): MeasuredPath => ({
          path,
          url: url('127.0.0.1', port),
          processes,
        });
        return {
          direct: ownPath('direct', upstream, []),
          nginx: ownPath('nginx+nginx', one.client, nginx),
          haproxy: haproxy.length > 0 ? ownPath('haproxy+haproxy (HTTP/2)', two.client, haproxy) : undefined,
          meshwork: { path: 'meshwork', url: url(ingress.ip, ingress.port), processes: [mesh!] },
        };
      });
    } finally {
      await stopAll(children);
    }
  });
}

const newPorts = async (upstream: number): Promise<HopPorts> => ({
  client: await freePort(),
  server: await freePort(),
  upstream,
});

function startHaproxyHops(folder: string, ports: HopPorts): ChildProcess[] {
  if (missingTools(['haproxy']).length > 0) return [];
  return [
    startHaproxy(folder, 'client', haproxyClientConfig(folder, ports), PROXY_CPU),
    startHaproxy(folder, 'server', haproxyServerConfig(folder, ports), PROXY_CPU),
  ];
}

/** The throughput of all ways side by side, each against nginx behind nginx. */
export async function compareMeshPaths(
  paths: MeshPaths,
  options: LoadOptions,
): Promise<{ results: readonly LoadResult[]; ratio: number }> {
  const { nginx, haproxy, meshwork } = paths;
  const results = await compareThroughput([nginx, ...(haproxy === undefined ? [] : [haproxy]), meshwork], options);
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
