import type { ChildProcess } from 'node:child_process';
import type { LoadOptions, LoadResult } from './measure.ts';
import {
  compareThroughput,
  freePort,
  LOAD_CPU,
  listening,
  missingTools,
  PROXY_CPU,
  startPinned,
  stopAll,
  withCertificates,
} from './measure.ts';
import type { HopPorts } from './wire-nginx.ts';
import { clientHopConfig, serverHopConfig, startNginx, upstreamConfig } from './wire-nginx.ts';

/** Two hops with HTTP/1.1 over mTLS between them: ours in one process, beside nginx behind nginx. Medians of interleaved rounds. */
export function runWireTwoHops(options: LoadOptions): Promise<readonly LoadResult[]> {
  return withCertificates(async (folder) => {
    const children: ChildProcess[] = [];
    try {
      const upstream = await freePort();
      const ours: HopPorts = { client: await freePort(), server: await freePort(), upstream };
      const theirs: HopPorts = { client: await freePort(), server: await freePort(), upstream };
      children.push(startNginx(folder, 'upstream', upstreamConfig(folder, upstream), LOAD_CPU));
      const nginx = [
        startNginx(folder, 'client', clientHopConfig(folder, theirs), PROXY_CPU),
        startNginx(folder, 'server', serverHopConfig(folder, theirs), PROXY_CPU),
      ];
      const list = [folder, ours.client, ours.server, ours.upstream];
      const meshwork = [startPinned('./wire-hops-process.ts', list, 'inherit')];
      children.push(...nginx, ...meshwork);
      for (const port of [upstream, ours.client, ours.server, theirs.client, theirs.server]) await listening(port);
      const url = (port: number): string => `http://127.0.0.1:${port}/s`;
      return await compareThroughput(
        [
          { path: 'nginx+nginx (H1 over TLS)', url: url(theirs.client), processes: nginx },
          { path: 'meshwork+meshwork (H1 over TLS)', url: url(ours.client), processes: meshwork },
        ],
        options,
      );
    } finally {
      await stopAll(children);
    }
  });
}

if (import.meta.main) {
  const [connections = 48, seconds = 3, rounds = 3] = process.argv.slice(2).map(Number);
  const missing = missingTools(['nginx', 'wrk', 'taskset']);
  if (missing.length > 0) {
    console.log(`skipped: ${missing.join(', ')} not installed`);
  } else {
    const results = await runWireTwoHops({ connections, seconds, rounds });
    console.table(results);
    const [nginx, meshwork] = results;
    console.log(`ratio ${(meshwork!.requestsPerSecond / nginx!.requestsPerSecond).toFixed(2)}`);
  }
}
