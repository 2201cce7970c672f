import { errorMessage } from '#domain';
import type { Sandbox } from '#sandbox';
import { valueAt } from './probes/fields.ts';

const WAIT_MS = 8000;
const PUSH_WAIT_MS = 8000;

/**
 * Waits until no pod is starting or leaving and every proxy has answered what was stored last, so that a check does not judge a mesh in
 * the middle of a restart or of a push. A mesh that does not come to rest in time (an image that cannot be pulled) is judged as it is.
 * Resolves with why it is not at rest, or undefined.
 */
export async function atRest(sandbox: Sandbox): Promise<string | undefined> {
  try {
    await sandbox.until(() => isAtRest(sandbox), WAIT_MS, 'every pod is ready and none is leaving');
  } catch (error) {
    return errorMessage(error);
  }
  return (await isInForce(sandbox, PUSH_WAIT_MS))
    ? undefined
    : `not within ${PUSH_WAIT_MS} ms: every proxy has answered the last push`;
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
