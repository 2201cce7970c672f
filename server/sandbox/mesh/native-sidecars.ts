import type { KubeObject } from '#domain';
import type { KubeStore } from '#kube-api';
import type { DeploymentSpec, PodObject } from '../kube-types.ts';
import { rootNamespace } from './system.ts';

const ANNOTATION = 'sidecar.istio.io/nativeSidecar';
const VARIABLE = 'ENABLE_NATIVE_SIDECARS';
/** The first release of Kubernetes in which sidecar containers are stable. */
const STABLE_MINOR = 33;

/**
 * Whether a pod's proxy is to be a sidecar container of Kubernetes (an init container that stays) instead of one container more. The pod's
 * annotation decides; else istiod's variable: `true`, `false`, or `auto`, its default, which asks the nodes for their version. Unlike Istio,
 * a cluster without nodes counts as too old. Source: DetectNativeSidecar in istio pkg/kube/inject/webhook.go.
 */
export function isNativeSidecar(store: KubeStore, { metadata }: PodObject): boolean {
  const own = metadata.annotations?.[ANNOTATION] ?? '';
  if (own !== '') return own !== 'false';
  const mode = istiodVariable(store) ?? 'auto';
  return mode === 'auto' ? nodesKnowThem(store) : mode === 'true';
}

function istiodVariable(store: KubeStore): string | undefined {
  const istiod = store.get('Deployment', { namespace: rootNamespace, name: 'istiod' }) as
    | KubeObject<DeploymentSpec>
    | undefined;
  const [discovery] = istiod?.spec?.template.spec.containers ?? [];
  return discovery?.env?.find(({ name }) => name === VARIABLE)?.value;
}

function nodesKnowThem(store: KubeStore): boolean {
  const minors = store.list('Node').map(({ status }) => {
    const { nodeInfo } = (status ?? {}) as { readonly nodeInfo?: { readonly kubeletVersion?: string } };
    return Number(/^v?\d+\.(\d+)/.exec(nodeInfo?.kubeletVersion ?? '')?.[1]);
  });
  return minors.length > 0 && minors.every((minor) => minor >= STABLE_MINOR);
}
