import type { ChildProcess } from 'node:child_process';
import { freePort } from '../support/free-port.ts';
import type { LoadOptions, LoadResult, MeasuredPath } from './measure.ts';
import {
  compareThroughput,
  LOAD_CPU,
  listening,
  missingTools,
  startPinned,
  stopAll,
  withCertificates,
} from './measure.ts';
import { startNginx, upstreamConfig } from './wire-nginx.ts';
import { newPorts, type Peer, startPeers } from './wire-peers.ts';

/** Both hops in one process of ours, over either protocol. */
async function startOwnHops(folder: string, upstream: number, children: ChildProcess[]): Promise<readonly Peer[]> {
  const pairs: Peer[] = [];
  for (const [wire, name] of [
    ['h1', 'HTTP/1.1'],
    ['h2', 'HTTP/2'],
  ] as const) {
    const ports = await newPorts(upstream);
    const list = [folder, ports.client, ports.server, ports.upstream, wire];
    const process = startPinned('./wire-hops-process.ts', list, 'inherit');
    children.push(process);
    for (const port of [ports.client, ports.server]) await listening(port);
    pairs.push({ path: `meshwork, both hops (${name})`, ports, processes: [process] });
  }
  return pairs;
}

/**
 * Two hops with mTLS between them, nothing but the wire: ours in one process, without routes, metrics or logs, beside native proxies.
 * Medians of interleaved rounds.
 */
export function runWireTwoHops(options: LoadOptions & { readonly page: 's' | 'b' }): Promise<readonly LoadResult[]> {
  return withCertificates(async (folder) => {
    const children: ChildProcess[] = [];
    try {
      const upstream = await freePort();
      children.push(startNginx(folder, 'upstream', upstreamConfig(folder, upstream), LOAD_CPU));
      await listening(upstream);
      const pairs = [
        ...(await startPeers(folder, upstream, children)),
        ...(await startOwnHops(folder, upstream, children)),
      ];
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
