import type { Sandbox } from '#sandbox';
import { valueAt } from './probes/fields.ts';

/** Pods that cannot start stay so: what is wrong with them may be what a check is about. */
const PODS_WAIT_MS = 8000;
/** A push is always answered, on a busy machine late; nothing is learnt from judging before. */
const PUSH_WAIT_MS = 30_000;

/**
 * Waits until no pod is starting or leaving and every proxy has answered what was stored last, so that a check does not judge a mesh in
 * the middle of a restart or of a push. A mesh that does not come to rest in time (an image that cannot be pulled) is judged as it is.
 * Resolves with a sentence that says what is still moving, or undefined.
 */
export async function atRest(sandbox: Sandbox): Promise<string | undefined> {
  try {
    await sandbox.until(() => isAtRest(sandbox), PODS_WAIT_MS, 'every pod is ready and none is leaving');
  } catch {
    // It is told, and what the check sees may be no more than that.
    return 'Some pod is not ready, or is leaving: kubectl get pods -A tells which.';
  }
  return (await isInForce(sandbox, PUSH_WAIT_MS))
    ? undefined
    : 'Some proxy has not answered the last push: istioctl proxy-status tells which.';
}

/**
 * Whether every proxy of a pod, and every program that asks istiod itself, has answered what was stored last, waited for until `limitMs`,
 * and the statuses that tell of it are written. In slow motion a push is under way for as long as somebody looks at it: it is not waited for.
 */
export async function isInForce(sandbox: Sandbox, limitMs: number): Promise<boolean> {
  return (sandbox.clock.apartMs?.() ?? 0) > 0 || sandbox.answered(limitMs);
}

function isAtRest(sandbox: Sandbox): boolean {
  const wanted = sandbox.store.list('Deployment').every((deployment) => {
    const replicas = Number(valueAt(deployment, 'spec.replicas')[0] ?? 1);
    const counts = ['replicas', 'updatedReplicas', 'availableReplicas'].map((field) =>
      Number(valueAt(deployment, `status.${field}`)[0] ?? 0),
    );
    const observed = Number(valueAt(deployment, 'status.observedGeneration')[0] ?? 0);
    return observed >= (deployment.metadata.generation ?? 0) && counts.every((count) => count === replicas);
  });
  return (
    wanted &&
    sandbox.pods.every((pod) => {
      const stored = sandbox.store.get('Pod', pod);
      return stored !== undefined && stored.metadata.deletionTimestamp === undefined;
    })
  );
}
