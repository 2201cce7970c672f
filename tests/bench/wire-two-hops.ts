import type { ChildProcess } from 'node:child_process';
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
import { haproxyClientConfig, haproxyServerConfig, startHaproxy } from './wire-haproxy.ts';
import type { HopPorts } from './wire-nginx.ts';
import { clientHopConfig, serverHopConfig, startNginx, upstreamConfig } from './wire-nginx.ts';

const newPorts = async (upstream: number): Promise<HopPorts> => ({
  client: await freePort(),
  server: await freePort(),
  upstream,
});

/** One pair of hops and the processes that it consists of. */
interface Pair {
  readonly path: string;
  readonly ports: HopPorts;
  readonly processes: readonly ChildProcess[];
}

async function startPairs(folder: string, upstream: number): Promise<Pair[]> {
  const pairs: Pair[] = [];
  const nginx = await newPorts(upstream);
  const nginxHops = [
    startNginx(folder, 'client', clientHopConfig(folder, nginx), PROXY_CPU),
    startNginx(folder, 'server', serverHopConfig(folder, nginx), PROXY_CPU),
  ];
  pairs.push({ path: 'nginx+nginx (HTTP/1.1)', ports: nginx, processes: nginxHops });
  if (missingTools(['haproxy']).length === 0) {
    const ports = await newPorts(upstream);
    const processes = [
      startHaproxy(folder, 'client', haproxyClientConfig(folder, ports), PROXY_CPU),
      startHaproxy(folder, 'server', haproxyServerConfig(folder, ports), PROXY_CPU),
    ];
    pairs.push({ path: 'haproxy+haproxy (HTTP/2)', ports, processes });
  }
  for (const wire of ['h1', 'h2']) {
    const ports = await newPorts(upstream);
    const list = [folder, ports.client, ports.server, ports.upstream, wire];
    const path = `meshwork, both hops (${wire === 'h1' ? 'HTTP/1.1' : 'HTTP/2'})`;
    pairs.push({ path, ports, processes: [startPinned('./wire-hops-process.ts', list, 'inherit')] });
  }
  return pairs;
}

/**
 * Two hops with mTLS between them, nothing but the wire: ours in one process, without routes, metrics or logs, beside nginx and haproxy.
 * Medians of interleaved rounds.
 */
export function runWireTwoHops(options: LoadOptions & { readonly page: 's' | 'b' }): Promise<readonly LoadResult[]> {
  return withCertificates(async (folder) => {
    const children: ChildProcess[] = [];
    try {
      const upstream = await freePort();
      children.push(startNginx(folder, 'upstream', upstreamConfig(folder, upstream), LOAD_CPU));
      const pairs = await startPairs(folder, upstream);
      children.push(...pairs.flatMap(({ processes }) => processes));
      await listening(upstream);
      for (const { ports } of pairs) for (const port of [ports.client, ports.server]) await listening(port);
      const paths = pairs.map(
        ({ path, ports, processes }): MeasuredPath => ({
          path,
          url: `http://127.0.0.1:${ports.client}/${options.page}`,
          processes,
        }),
      );
      return await compareThroughput(paths, options);
    } finally {
      await stopAll(children);
    }
  });
}

if (import.meta.main) {
  const [connections = 48, seconds = 3, rounds = 3] = process.argv.slice(2, 5).map(Number);
  const page = process.argv[5] === 'b' ? 'b' : 's';
  const missing = missingTools(['nginx', 'wrk', 'taskset']);
  if (missing.length > 0) console.log(`skipped: ${missing.join(', ')} not installed`);
  else console.table(await runWireTwoHops({ connections, seconds, rounds, page }));
}
