import { createObjectTables, createSnapshotDeriver, type LeftOut, type MeshSnapshot } from '#control-plane';
import type { HopRecord } from '#domain';
import { leftOutOfHop, type Sandbox } from '#sandbox';
import { isDerived } from './journal.ts';
import type { Moment, Moments } from './time-travel/moments.ts';

/** What controllers make of the learner's objects: it is looked at as it is now. */
const DERIVED_KINDS = ['Pod', 'Node', 'EndpointSlice.discovery.k8s.io', 'Service'];

/** The rules that never reached the proxy of a hop, by the configuration that was in force when its request came. */
export function leftOutThen(sandbox: Sandbox, moments: Moments, hop: HopRecord): readonly LeftOut[] {
  const now = sandbox.controlPlane?.inspect();
  const id = hop.proxy.node;
  if (now === undefined || id === undefined) return [];
  const stream = sandbox.controlPlane?.ads.connections().find(({ node }) => node.id === id);
  const then = moments.at(hop.startMs);
  const snapshot = then === undefined || then === moments.newest() ? now : snapshotAt(then, sandbox, now);
  return leftOutOfHop(hop, stream?.node ?? { id, cluster: '', metadata: {} }, snapshot);
}

function snapshotAt({ objects }: Moment, { store }: Sandbox, { mesh }: MeshSnapshot): MeshSnapshot {
  const tables = createObjectTables();
  const derived = DERIVED_KINDS.flatMap((kind) => store.list(kind).filter(isDerived));
  for (const object of [...objects.values(), ...derived]) tables.apply('ADDED', object);
  return createSnapshotDeriver(mesh)(tables);
}
