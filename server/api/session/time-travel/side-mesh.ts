import { type Clock, seededRandom } from '#domain';
import { createTraffic, type Lab, type Traffic } from '#labs';
import { createSandbox, type Sandbox, type Strain } from '#sandbox';
import { leaseSubnet } from '#sandbox/subnets';
import { startable } from '../journal.ts';
import type { Moment } from './moments.ts';

/** A second mesh of the same lab, started from a moment's objects. It has the lab's seed, so it draws as the first one did. */
export interface SideMesh {
  readonly sandbox: Sandbox;
  readonly traffic: Traffic;
}

/** What befalls the first mesh from outside befalls the second as well: a strain on one pod lies on the pod of the same place. */
function copyStrains(from: Sandbox, to: Sandbox): void {
  const named = (mesh: Sandbox, { namespace, labels }: Strain): string[] =>
    mesh.pods
      .filter(
        (pod) =>
          pod.namespace === namespace && Object.entries(labels).every(([key, value]) => pod.labels[key] === value),
      )
      .map(({ name }) => name)
      .sort();
  for (const [name, strain] of from.strains) {
    const { pod, ...rest } = strain;
    const place = pod === undefined ? undefined : named(to, strain)[named(from, strain).indexOf(pod)];
    // A pod that is gone took its strain with it.
    if (pod !== undefined && place === undefined) continue;
    to.strain(name, place === undefined ? rest : { ...rest, pod: place });
  }
}

/** Runs `use` in a mesh of its own, on addresses of its own; the mesh is gone when the promise settles. */
export async function withSideMesh<Result>(
  {
    lab,
    clock,
    moment,
    like,
  }: { readonly lab: Lab; readonly clock: Clock; readonly moment: Moment; readonly like: Sandbox },
  use: (mesh: SideMesh) => Promise<Result>,
): Promise<Result> {
  const lease = await leaseSubnet(seededRandom(`side/${clock.monotonic()}`));
  const sandbox = createSandbox({
    subnet: lease.subnet,
    keyHosts: like.keyHosts,
    seed: lab.spec.id,
    clock,
    onEvent: () => undefined,
  });
  const text = startable(moment.objects.values())
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
  const traffic = createTraffic(lab.spec.traffic, sandbox);
  try {
    await sandbox.start([{ file: 'moment.yaml', text }], { ingress: lab.spec.ingress });
    copyStrains(like, sandbox);
    return await use({ sandbox, traffic });
  } finally {
    traffic.stop();
    await sandbox.stop();
    await lease.release();
  }
}
