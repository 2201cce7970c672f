import { errorMessage } from '#domain';
import type { Sandbox } from '#sandbox';
import { valueAt } from './probes/fields.ts';

const WAIT_MS = 8000;

/**
 * Waits until no pod is starting or leaving, so that a check does not judge a mesh in the middle of a restart. A mesh that does not
 * come to rest in time (an image that cannot be pulled) is judged as it is. Resolves with why it is not at rest, or undefined.
 */
export async function atRest(sandbox: Sandbox): Promise<string | undefined> {
  try {
    await sandbox.until(() => isAtRest(sandbox), WAIT_MS, 'every pod is ready and none is leaving');
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
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
