import type { Clock, KubeObject } from '#domain';
import { seededRandom } from '#domain';
import { coreKinds, createKindRegistry, createKubeStore, type KubeStore } from '#kube-api';
import type { PodObject, PodTemplate } from '../kube-types.ts';
import { gatewayDeployments } from '../mesh/gateway-deployments.ts';
import { admitPod } from '../mesh/injection.ts';

/** Replicas beyond this number decide nothing. */
const MAX_REPLICAS = 5;
const TEMPLATED = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet']);

interface ServiceShape extends KubeObject {
  readonly spec?: { readonly clusterIP?: string; readonly type?: string };
}

/**
 * What a cluster's controllers add to objects that were just applied: pods of Deployments and their like, proxies of Kubernetes Gateways,
 * addresses of pods and Services, sidecars. A namespace that the objects do not describe counts as one with injection.
 */
export function completeWorkloads(objects: readonly KubeObject[], clock: Clock): KubeObject[] {
  const admission = namespaceStore(objects, clock);
  const podIp = addressesOf('10.244');
  const serviceIp = addressesOf('10.96');
  const deployed = [...objects, ...gatewayDeployments(objects)];
  const made = deployed.filter(({ kind }) => TEMPLATED.has(kind)).flatMap((owner) => podsOf(owner));
  const written = objects.filter(isPod);
  const pods = [...written, ...made.filter((pod) => !written.some((other) => samePod(pod, other)))].map((pod) =>
    running(admitPod(admission, pod), podIp),
  );
  const others = deployed.filter((object) => !isPod(object)).map((object) => withClusterIp(object, serviceIp));
  return [...others, ...pods];
}

const isPod = (object: KubeObject): object is PodObject => object.kind === 'Pod' && object.apiVersion === 'v1';

const samePod = (a: KubeObject, b: KubeObject): boolean =>
  a.metadata.name === b.metadata.name && a.metadata.namespace === b.metadata.namespace;

function namespaceStore(objects: readonly KubeObject[], clock: Clock): KubeStore {
  const kinds = createKindRegistry(coreKinds);
  const store = createKubeStore({
    kinds,
    clock,
    random: seededRandom('admission'),
    maxObjects: objects.length * 2 + 1,
  });
  const described = objects.filter(({ kind, apiVersion }) => kind === 'Namespace' && apiVersion === 'v1');
  for (const { metadata } of described) store.apply(namespaceOf(metadata.name, metadata.labels ?? {}), ADMISSION);
  const named = new Set(objects.map(({ metadata }) => metadata.namespace ?? ''));
  for (const { metadata } of described) named.delete(metadata.name);
  for (const name of named) if (name !== '') store.apply(namespaceOf(name, INJECTED), ADMISSION);
  return store;
}

const ADMISSION = { changeId: 'dry-run' } as const;
const INJECTED = { 'istio-injection': 'enabled' } as const;

const namespaceOf = (name: string, labels: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

function podsOf(owner: KubeObject): PodObject[] {
  const { replicas = 1, template } = owner.spec as { replicas?: number; template?: PodTemplate };
  if (template === undefined) return [];
  return Array.from({ length: Math.min(replicas, MAX_REPLICAS) }, (_, i) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...template.metadata,
      name: i === 0 ? owner.metadata.name : `${owner.metadata.name}-${i}`,
      namespace: owner.metadata.namespace ?? 'default',
    },
    spec: template.spec,
  }));
}

function running(pod: PodObject, nextIp: () => string): PodObject {
  const podIP = pod.status?.podIP ?? nextIp();
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: '' } as const;
  return { ...pod, status: { phase: 'Running', conditions: [ready], ...pod.status, podIP } };
}

function withClusterIp(object: KubeObject, nextIp: () => string): KubeObject {
  if (object.kind !== 'Service' || object.apiVersion !== 'v1') return object;
  const { spec } = object as ServiceShape;
  if (spec?.clusterIP !== undefined || spec?.type === 'ExternalName') return object;
  return { ...object, spec: { ...spec, clusterIP: nextIp() } };
}

function addressesOf(prefix: string): () => string {
  let last = 0;
  return () => {
    last++;
    return `${prefix}.${Math.floor(last / 250)}.${(last % 250) + 1}`;
  };
}
