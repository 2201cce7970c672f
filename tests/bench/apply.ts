import { createSandbox, type RunningPod, type Sandbox } from '#sandbox';
import { systemClock } from '../../server/system.ts';
import { lab, subnet } from './labs.ts';
import { proportionalMb } from './measure.ts';
import { median } from './statistics.ts';

export interface ApplyReport {
  readonly sidecars: number;
  /** From nothing to the last pod that is ready. */
  readonly startMs: number;
  /** Of the process, with the mesh at rest. */
  readonly pssMb: number;
  readonly changes: number;
  /** From the text, not yet validated, to the last proxy's ACK. */
  readonly medianMs: number;
  readonly maxMs: number;
}

const SETTLE_LIMIT_MS = 60_000;
const START_LIMIT_MS = 300_000;

const rule = (percent: number): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: bench-weights }
spec:
  hosts: [reviews]
  http:
    - route:
        - { destination: { host: reviews, subset: v1 }, weight: ${percent} }
        - { destination: { host: reviews, subset: v2 }, weight: ${100 - percent} }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: bench-subsets }
spec:
  host: reviews
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
`;

/**
 * How long changes of a VirtualService's weights take to be in force everywhere: Bookinfo with as many replicas of its six workloads as make
 * about so many sidecars.
 */
export async function measureApply(about: number, changes: number): Promise<ApplyReport> {
  const sandbox = createSandbox({
    subnet: subnet(1),
    seed: 'bench',
    clock: systemClock(),
    onEvent: () => undefined,
    limits: { pods: 2 * about, objects: 20 * about + 1000 },
  });
  try {
    const beganMs = performance.now();
    const sidecars = await startBookinfo(sandbox, Math.round(about / 6));
    const startMs = Math.round(performance.now() - beganMs);
    const pssMb = proportionalMb(process.pid);
    const times: number[] = [];
    // The first change brings the rule itself, after all that the start left to push; from then on only its weights change.
    await timeOf(sandbox, 0);
    for (let change = 1; change <= changes; change++) times.push(await timeOf(sandbox, change));
    return { sidecars, startMs, pssMb, changes, medianMs: median(times), maxMs: Math.max(...times) };
  } finally {
    await sandbox.stop();
  }
}

/** Starts with one pod for each workload, then brings the others: a large mesh takes longer than a sandbox lets a start take. */
async function startBookinfo(sandbox: Sandbox, replicas: number): Promise<number> {
  const { topology } = lab('bookinfo');
  await sandbox.start(topology, { ingress: true });
  const scaled = topology.map(({ file, text }) => ({
    file,
    text: text.replaceAll(/replicas: 1\b/g, `replicas: ${replicas}`),
  }));
  await sandbox.apply(scaled, { namespace: 'default' });
  const sidecars = (): readonly RunningPod[] =>
    sandbox.pods.filter(({ proxy, namespace }) => proxy !== undefined && namespace === 'default');
  const wanted = sidecars().length * replicas;
  // Asked at every event: pods that were ready are not looked at again.
  const seen = new Set<string>();
  const allReady = (): boolean => {
    if (sandbox.pods.length < wanted) return false;
    for (const pod of sidecars()) {
      if (seen.has(pod.name)) continue;
      if (!pod.containers.every(({ ready }) => ready)) return false;
      seen.add(pod.name);
    }
    return seen.size === wanted;
  };
  await sandbox.until(allReady, START_LIMIT_MS, 'every sidecar is ready');
  return wanted;
}

async function timeOf(sandbox: Sandbox, change: number): Promise<number> {
  const files = [{ file: 'weights.yaml', text: rule(1 + change) }];
  const beganMs = sandbox.clock.now();
  const outcome = await sandbox.apply(files, { namespace: 'default' });
  const push = await sandbox.settled(outcome.changeId, SETTLE_LIMIT_MS);
  if (push?.effectiveMs === undefined)
    throw new Error(`change ${change} did not settle: ${JSON.stringify(outcome.diagnostics)}`);
  return push.startedMs + push.effectiveMs - beganMs;
}

if (import.meta.main) {
  const [about = 10, changes = 20] = process.argv.slice(2).map(Number);
  console.log(await measureApply(about, changes));
  process.exit(0);
}
