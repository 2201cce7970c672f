import { createSandbox } from '#sandbox';
import { systemClock } from '../../server/system.ts';
import { lab, subnet } from './labs.ts';
import { median } from './statistics.ts';

export interface ApplyReport {
  readonly sidecars: number;
  readonly changes: number;
  /** From the text, not yet validated, to the last proxy's ACK. */
  readonly medianMs: number;
  readonly maxMs: number;
}

const SETTLE_LIMIT_MS = 5000;

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
  const replicas = Math.round(about / 6);
  const topology = lab('bookinfo').topology.map(({ file, text }) => ({
    file,
    text: text.replaceAll(/replicas: 1\b/g, `replicas: ${replicas}`),
  }));
  const sandbox = createSandbox({
    subnet: subnet(1),
    seed: 'bench',
    clock: systemClock(),
    onEvent: () => undefined,
    limits: { pods: 2 * about, objects: 20 * about + 1000 },
  });
  try {
    await sandbox.start(topology, { ingress: true });
    const sidecars = sandbox.pods.filter(
      ({ proxy, namespace }) => proxy !== undefined && namespace === 'default',
    ).length;
    const times: number[] = [];
    for (let change = 0; change <= changes; change++) {
      const files = [{ file: 'weights.yaml', text: rule(1 + change) }];
      const beganMs = sandbox.clock.now();
      const outcome = await sandbox.apply(files, { namespace: 'default' });
      const push = await sandbox.settled(outcome.changeId, SETTLE_LIMIT_MS);
      if (push?.effectiveMs === undefined)
        throw new Error(`change ${change} did not settle: ${JSON.stringify(outcome.diagnostics)}`);
      // The first one brings the rule itself; from then on only its weights change.
      if (change > 0) times.push(push.startedMs + push.effectiveMs - beganMs);
    }
    return { sidecars, changes, medianMs: median(times), maxMs: Math.max(...times) };
  } finally {
    await sandbox.stop();
  }
}
