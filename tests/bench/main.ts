import { parseArgs } from 'node:util';
import { measureApply } from './apply.ts';
import { measureChecking } from './checking.ts';
import { measureIdentity } from './identity.ts';
import { subnet } from './labs.ts';
import { measureLatency } from './latency.ts';
import { missingTools } from './measure.ts';
import { measureMemory } from './memory.ts';
import { compareMeshPaths, withMeshPaths } from './mesh-path.ts';
import { measureRecording } from './recording.ts';
import type { Report, Throughput } from './report.ts';
import { measureScreen } from './screen/index.ts';
import { measureStart } from './start.ts';
import { printReport, printScreen } from './table.ts';
import { measureTranslation } from './translation.ts';

const { values } = parseArgs({
  options: {
    output: { type: 'string', default: 'table' },
    // `--only screen` measures the page and nothing else.
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
  },
});
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];

const LOADS = [
  ['s', 48],
  ['b', 48],
  ['s', 4],
] as const;

/** What one run of the two-hop paths gives; latency needs no wrk, and comes last, when V8 has compiled what runs often. */
async function measurePaths(): Promise<Pick<Report, 'latency' | 'throughput' | 'recording'>> {
  const missing = missingTools(['nginx', 'taskset']);
  if (missing.length > 0) {
    const skipped = { skipped: `${missing.join(' and ')} is not installed` };
    return { latency: skipped, throughput: skipped, recording: skipped };
  }
  const noWrk = missingTools(['wrk']).length > 0 ? { skipped: 'wrk is not installed' } : undefined;
  const recording = noWrk ?? (await measureRecording({ connections: 48, seconds, rounds }));
  return withMeshPaths(subnet(0), async (paths) => {
    const throughput: Throughput[] = [];
    for (const [page, connections] of noWrk === undefined ? LOADS : []) {
      throughput.push({ page, ...(await compareMeshPaths(paths(page), { connections, seconds, rounds })) });
    }
    const latency = await measureLatency(paths('s'), { rounds, seconds });
    return { latency, throughput: noWrk ?? throughput, recording };
  });
}

if (values.only === 'screen') {
  const screen = await measureScreen(seconds);
  if (values.output === 'json') console.log(JSON.stringify(screen, undefined, 2));
  else printScreen(screen);
  process.exit(0);
}
const screen = await measureScreen(seconds);
const start = await measureStart(5, 1000);
const memory = await measureMemory(1000);
const identity = await measureIdentity(1000);
const apply = [await measureApply(10, 20), await measureApply(100, 20), await measureApply(1000, 10)];
const translation = measureTranslation(30);
const checking = measureChecking(30);
const report: Report = {
  node: process.version,
  ...(await measurePaths()),
  apply,
  checking,
  translation,
  start,
  memory,
  identity,
  screen,
};
if (values.output === 'json') console.log(JSON.stringify(report, undefined, 2));
else printReport(report);
process.exit(0);
