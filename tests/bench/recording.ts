import type { ChildProcess } from 'node:child_process';
import { subnet } from './labs.ts';
import type { LoadOptions, LoadResult, MeasuredPath } from './measure.ts';
import { compareThroughput, LOAD_CPU, listening, startPinned, stopAll, withCertificates } from './measure.ts';
import { addressesOf } from './mesh-path.ts';
import { startNginx, upstreamConfig } from './wire-nginx.ts';

export interface RecordingReport {
  readonly none: LoadResult;
  readonly every: LoadResult;
  /** The part of the throughput that noting the decisions about every request costs. */
  readonly cost: number;
}

/** The same mesh twice: nobody looks at one; the other notes the decisions about every request. */
export function measureRecording(options: LoadOptions): Promise<RecordingReport> {
  return withCertificates(async (folder) => {
    const children: ChildProcess[] = [];
    try {
      const paths: MeasuredPath[] = [];
      const doors: string[] = [];
      for (const [place, what] of ['nobody looks', 'looked-at'].entries()) {
        const mesh = startPinned('./mesh-process.ts', [subnet(10 + place), what], 'ipc');
        children.push(mesh);
        const { application, ingress } = await addressesOf(mesh);
        doors.push(`${application.ip}:${application.port}`);
        paths.push({ path: what, url: `http://${ingress.ip}:${ingress.port}/s`, processes: [mesh] });
      }
      children.push(startNginx(folder, 'upstream', upstreamConfig(folder, ...doors), LOAD_CPU));
      for (const door of doors) await listening(Number(door.split(':')[1]), door.split(':')[0]);
      const [none, every] = (await compareThroughput(paths, options)) as [LoadResult, LoadResult];
      return { none, every, cost: 1 - every.requestsPerSecond / none.requestsPerSecond };
    } finally {
      await stopAll(children);
    }
  });
}

if (import.meta.main) {
  const [connections = 48, seconds = 3, rounds = 3] = process.argv.slice(2, 5).map(Number);
  console.log(await measureRecording({ connections, seconds, rounds }));
}
