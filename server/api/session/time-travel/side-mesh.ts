import { type Clock, seededRandom } from '#domain';
import { createTraffic, type Lab, type Traffic } from '#labs';
import { createSandbox, type Sandbox } from '#sandbox';
import { leaseSubnet } from '#sandbox/subnets';
import { startable } from '../journal.ts';
import type { Moment } from './moments.ts';

/** A second mesh of the same lab, started from a moment's objects. It has the lab's seed, so it draws as the first one did. */
export interface SideMesh {
  readonly sandbox: Sandbox;
  readonly traffic: Traffic;
}

/** Runs `use` in a mesh of its own, on addresses of its own; the mesh is gone when the promise settles. */
export async function withSideMesh<Result>(
  { lab, clock, moment }: { readonly lab: Lab; readonly clock: Clock; readonly moment: Moment },
  use: (mesh: SideMesh) => Promise<Result>,
): Promise<Result> {
  const lease = await leaseSubnet(seededRandom(`side/${clock.monotonic()}`));
  const sandbox = createSandbox({ subnet: lease.subnet, seed: lab.spec.id, clock, onEvent: () => undefined });
  const text = startable(moment.objects.values())
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
  const traffic = createTraffic(lab.spec.traffic, sandbox);
  try {
    await sandbox.start([{ file: 'moment.yaml', text }], { ingress: lab.spec.ingress });
    return await use({ sandbox, traffic });
  } finally {
    traffic.stop();
    await sandbox.stop();
    await lease.release();
  }
}
