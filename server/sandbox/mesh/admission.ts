import { MeshworkError } from '#domain';
import type { KubeStore } from '#kube-api';
import type { PodObject } from '../kube-types.ts';
import { admitPlain, admitPod, wantsSidecar } from './injection.ts';
import { withoutInit } from './node-agent.ts';

const CONFIGURATION = 'istio-sidecar-injector';

interface Webhook {
  readonly name?: string;
  readonly failurePolicy?: string;
}

/**
 * Lets a new pod in. The injector is a part of istiod: while istiod is gone, the failure policy of its webhook says whether a pod that wants
 * a sidecar is refused (`Fail`) or comes without one (`Ignore`). Throws MeshworkError MW9310 in the API server's words.
 */
export function admit(store: KubeStore, pod: PodObject, istiodRuns: boolean): PodObject {
  if (istiodRuns || !wantsSidecar(store, pod)) return withoutInit(admitPod(store, pod));
  const strict = webhooksOf(store).find(({ failurePolicy = 'Fail' }) => failurePolicy === 'Fail');
  if (strict === undefined) {
    return admitPlain(store, pod);
  }
  throw new MeshworkError(
    'MW9310',
    `Internal error occurred: failed calling webhook "${strict.name ?? ''}": failed to call webhook: Post "https://istiod.istio-system.svc:443/inject?timeout=10s": no endpoints available for service "istiod"`,
  );
}

/** The injector's webhooks as they are stored; where nobody has written any, Istio's own, of which the one for namespaces matters here. */
function webhooksOf(store: KubeStore): readonly Webhook[] {
  const served = store.kinds.find('MutatingWebhookConfiguration') !== undefined;
  const stored = served ? store.get('MutatingWebhookConfiguration', { namespace: '', name: CONFIGURATION }) : undefined;
  return (stored?.['webhooks'] as readonly Webhook[] | undefined) ?? [{ name: 'namespace.sidecar-injector.istio.io' }];
}
