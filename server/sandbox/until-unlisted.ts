import type { ControlPlane } from '#control-plane';
import type { KubeStore } from '#kube-api';
import type { RunningPod } from './doors.ts';
import type { EndpointSliceObject, PodObject } from './kube-types.ts';
import type { Waiters } from './waiters.ts';

/** As long as Istio's agent goes on by default: who has not heard of it by then is lost in a cluster, too. */
const WAIT_MS = 5000;

/** A node's id is type~address~pod.namespace~domain. A client from elsewhere, or one that a person steers, answers when it likes. */
export function ownNodes(pods: readonly RunningPod[]): (nodeId: string) => boolean {
  const own = new Set(pods.map(({ name, namespace }) => `${name}.${namespace}`));
  return (nodeId) => own.has(nodeId.split('~')[2] ?? '');
}

export interface Listing {
  readonly store: KubeStore;
  readonly waiters: Waiters;
  readonly controlPlane: () => ControlPlane | undefined;
  /** Those that are asked whether they know. */
  readonly pods: () => readonly RunningPod[];
}

/**
 * Resolves when no Service lists the address of a pod that ends, and every proxy has answered the push that says so. A pod ends in the right
 * order then, however late this machine is. Never rejects.
 */
export async function untilUnlisted(
  { store, waiters, controlPlane, pods }: Listing,
  { metadata }: PodObject,
  podIp: string,
): Promise<void> {
  const isListed = (): boolean =>
    (store.list('EndpointSlice', { namespace: metadata.namespace ?? '' }) as EndpointSliceObject[]).some(
      ({ endpoints }) =>
        endpoints.some(
          ({ addresses, conditions }) =>
            // A Service that publishes all that it has lists it to its end.
            conditions?.ready !== false && conditions?.terminating !== true && addresses.includes(podIp),
        ),
    );
  const what = `no Service leads to ${podIp}`;
  // A slice that somebody wrote by hand stays as it is.
  await waiters.until(() => !isListed(), WAIT_MS, what).catch(() => undefined);
  await controlPlane()?.answered(ownNodes(pods()), WAIT_MS);
}
