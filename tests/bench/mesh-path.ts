import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { MeasuredPath } from './measure.ts';
import { freePort, LOAD_CPU, listening, PROXY_CPU, startPinned, stopAll, withCertificates } from './measure.ts';
import type { MeshAddresses } from './mesh-process.ts';
import { clientHopConfig, serverHopConfig, startNginx, upstreamConfig } from './wire-nginx.ts';

export interface MeshPaths {
  readonly direct: MeasuredPath;
  readonly nginx: MeasuredPath;
  readonly meshwork: MeasuredPath;
}

/**
 * Runs `use` with three ways to one upstream: direct, through two nginx hops with mTLS between them, and through the whole mesh (ingress
 * gateway, mTLS, sidecar) in one process. Needs nginx and taskset.
 */
export function withMeshPaths<T>(subnet: number, use: (paths: MeshPaths) => Promise<T>): Promise<T> {
  return withCertificates(async (folder) => {
    const children: ChildProcess[] = [];
    try {
      const mesh = startPinned('./mesh-process.ts', [subnet], 'ipc');
      children.push(mesh);
      const { application, ingress } = await addressesOf(mesh);
      const ports = { client: await freePort(), server: await freePort(), upstream: await freePort() };
      const doors = [ports.upstream, `${application.ip}:${application.port}`];
      const upstream = startNginx(folder, 'upstream', upstreamConfig(folder, ...doors), LOAD_CPU);
      const nginx = [
        startNginx(folder, 'client', clientHopConfig(folder, ports), PROXY_CPU),
        startNginx(folder, 'server', serverHopConfig(folder, ports), PROXY_CPU),
      ];
      children.push(upstream, ...nginx);
      for (const port of [ports.upstream, ports.client, ports.server]) await listening(port);
      const url = (ip: string, port: number): string => `http://${ip}:${port}/s`;
      return await use({
        direct: { path: 'direct', url: url('127.0.0.1', ports.upstream), processes: [] },
        nginx: { path: 'nginx+nginx', url: url('127.0.0.1', ports.client), processes: nginx },
        meshwork: { path: 'meshwork', url: url(ingress.ip, ingress.port), processes: [mesh] },
      });
    } finally {
      await stopAll(children);
    }
  });
}

function addressesOf(mesh: ChildProcess): Promise<MeshAddresses> {
  return Promise.race([
    once(mesh, 'message').then(([addresses]) => addresses as MeshAddresses),
    once(mesh, 'exit').then(() => Promise.reject(new Error('the mesh did not start; its reason stands above'))),
  ]);
}

if (import.meta.main) {
  const { compareThroughput } = await import('./measure.ts');
  const [connections = 48, seconds = 3, rounds = 3, subnet = 231] = process.argv.slice(2).map(Number);
  await withMeshPaths(subnet, async ({ nginx, meshwork }) => {
    const results = await compareThroughput([nginx, meshwork], { connections, seconds, rounds });
    console.table(results);
    console.log(`ratio ${(results[1]!.requestsPerSecond / results[0]!.requestsPerSecond).toFixed(2)}`);
  });
}
