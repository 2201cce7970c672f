import type { KubeObject } from '#domain';
import { addressOf, isReady, nameOf, type PodObject } from '../kube-types.ts';
import { templateHash } from './names.ts';
import { podFromTemplate } from './pod-from-template.ts';
import { type PodOwnerOptions, podsOfOwner, type TemplateSpec, watchPodOwners } from './pod-owners.ts';

const REVISION = 'controller-revision-hash';

interface StatefulSetSpec extends TemplateSpec {
  readonly replicas?: number;
  readonly podManagementPolicy?: 'OrderedReady' | 'Parallel';
  readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } };
}

/** StatefulSets: pods with fixed names, made one after the other, replaced from the last to the first. Volume claims are not made. */
export const startStatefulSetController = (options: PodOwnerOptions): (() => void) =>
  watchPodOwners('StatefulSet', options, (key, changeId) => reconcile(options, key, changeId));

function reconcile({ store, admit }: PodOwnerOptions, key: string, changeId: string): void {
  const set = store.get('StatefulSet', nameOf(key)) as KubeObject<StatefulSetSpec> | undefined;
  if (set?.spec === undefined || set.metadata.deletionTimestamp !== undefined) return;
  const { replicas = 1, podManagementPolicy, template, updateStrategy } = set.spec;
  const revision = `${set.metadata.name}-${templateHash(template)}`;
  const pods = podsOfOwner(store, set);
  const podAt = (ordinal: number): PodObject | undefined =>
    pods.find(({ metadata }) => metadata.name === `${set.metadata.name}-${ordinal}`);
  const parallel = podManagementPolicy === 'Parallel';
  for (let ordinal = 0; ordinal < replicas; ordinal++) {
    const pod = podAt(ordinal);
    if (pod === undefined) {
      // The name is free when the pod before has ended.
      if (store.get('Pod', { namespace: set.metadata.namespace ?? '', name: `${set.metadata.name}-${ordinal}` })) break;
      const labels = {
        [REVISION]: revision,
        'statefulset.kubernetes.io/pod-name': `${set.metadata.name}-${ordinal}`,
        'apps.kubernetes.io/pod-index': String(ordinal),
      };
      const made = podFromTemplate(set, template, { name: `${set.metadata.name}-${ordinal}`, labels });
      store.create(admit({ ...made, spec: { ...made.spec, hostname: made.metadata.name } }), { changeId });
    }
    if (!parallel && (pod === undefined || !isReady(pod))) break;
  }
  const ordinalOf = ({ metadata }: PodObject): number => Number(metadata.name.split('-').at(-1));
  const beyond = pods.filter((pod) => ordinalOf(pod) >= replicas).sort((a, b) => ordinalOf(b) - ordinalOf(a));
  for (const pod of parallel ? beyond : beyond.slice(0, 1)) store.delete('Pod', addressOf(pod), { changeId });
  const partition = updateStrategy?.rollingUpdate?.partition ?? 0;
  const current = pods.filter((pod) => ordinalOf(pod) < replicas);
  const outdated = current
    .filter((pod) => pod.metadata.labels?.[REVISION] !== revision && ordinalOf(pod) >= partition)
    .sort((a, b) => ordinalOf(b) - ordinalOf(a));
  const allReady = current.length === replicas && current.every(isReady);
  const [next] = outdated;
  if (next !== undefined && allReady && updateStrategy?.type !== 'OnDelete') {
    store.delete('Pod', addressOf(next), { changeId });
  }
  const ready = pods.filter(isReady).length;
  const updated = current.length - outdated.length;
  store.updateStatus(
    'StatefulSet',
    nameOf(key),
    {
      observedGeneration: set.metadata.generation ?? 1,
      replicas: pods.length,
      readyReplicas: ready,
      availableReplicas: ready,
      currentReplicas: outdated.length === 0 ? current.length : outdated.length,
      updatedReplicas: updated,
      currentRevision: outdated[0]?.metadata.labels?.[REVISION] ?? revision,
      updateRevision: revision,
      collisionCount: 0,
    },
    { changeId },
  );
}
