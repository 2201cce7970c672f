import { parseArgs } from 'node:util';
import { measureApply } from './apply.ts';
import { measureChecking } from './checking.ts';
import { measureIdentity } from './identity.ts';
import { subnet } from './labs.ts';
import { measureLatency } from './latency.ts';
import { missingTools } from './measure.ts';
import { compareMeshPaths, withMeshPaths } from './mesh-path.ts';
import type { Report, Throughput } from './report.ts';
import { measureStart } from './start.ts';
import { printReport } from './table.ts';
import { measureTranslation } from './translation.ts';

const { values } = parseArgs({
  options: {
    output: { type: 'string', default: 'table' },
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

/** What one run of the two-hop paths gives; latency needs no wrk. */
async function measurePaths(): Promise<Pick<Report, 'latency' | 'throughput'>> {
  const missing = missingTools(['nginx', 'taskset']);
  if (missing.length > 0) {
    const skipped = { skipped: `${missing.join(' and ')} is not installed` };
    return { latency: skipped, throughput: skipped };
  }
  return withMeshPaths(subnet(0), async (paths) => {
    const latency = await measureLatency(paths('s'), { rounds, seconds });
    if (missingTools(['wrk']).length > 0) return { latency, throughput: { skipped: 'wrk is not installed' } };
    const throughput: Throughput[] = [];
    for (const [page, connections] of LOADS) {
      throughput.push({ page, ...(await compareMeshPaths(paths(page), { connections, seconds, rounds })) });
    }
    return { latency, throughput };
  });
}

const start = await measureStart(5, 1000);
const identity = await measureIdentity(1000);
const apply = await measureApply(20);
const translation = measureTranslation(30);
const checking = measureChecking(30);
const report: Report = {
  node: process.version,
  ...(await measurePaths()),
  apply,
  checking,
  translation,
  start,
  identity,
};
if (values.output === 'json') console.log(JSON.stringify(report, undefined, 2));
else printReport(report);
process.exit(0);
