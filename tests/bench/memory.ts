import type { KubeObject } from '#domain';
import { parseManifests } from '#istio';
import { buildSandbox } from '../../scripts/build-sandbox.mjs';
import { lab, subnet } from './labs.ts';
import { proportionalMb } from './measure.ts';
import { start, visit } from './start.ts';

export interface MemoryReport {
  readonly sidecars: number;
  readonly requests: number;
  /** Of the sandbox's process, shared pages in parts. */
  readonly pssMbAfterStart: number;
  readonly pssMbAfterRequests: number;
}

/** More of these two, so that with three of each other workload there are twenty. */
const REPLICAS: Readonly<Record<string, number>> = { 'productpage-v1': 4, 'details-v1': 4 };
const SIDECARS = 20;

/** Bookinfo with twenty sidecars in the process in which the lab server runs it, and a gateway beside them. */
export async function measureMemory(requests: number): Promise<MemoryReport> {
  await buildSandbox();
  const { documents } = parseManifests(lab('bookinfo').topology);
  const objects = documents.map(({ object }) => withReplicas(object));
  const started = await start(subnet(8), { lab: 'bookinfo', files: [], applied: [], objects, met: [], hintsOpened: 0 });
  try {
    const pssMbAfterStart = proportionalMb(started.process.pid);
    await visit(`${started.ingressUrl}/productpage`, requests);
    return {
      sidecars: SIDECARS,
      requests,
      pssMbAfterStart,
      pssMbAfterRequests: proportionalMb(started.process.pid),
    };
  } finally {
    await started.process.stop(2000);
  }
}

function withReplicas(object: KubeObject): KubeObject {
  if (object.kind !== 'Deployment') return object;
  return { ...object, spec: { ...(object['spec'] as object), replicas: REPLICAS[object.metadata.name] ?? 3 } };
}

if (import.meta.main) console.log(await measureMemory(1000));
