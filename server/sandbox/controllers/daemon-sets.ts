import type { KubeObject } from '#domain';
import { addressOf, isReady, nameOf } from '../kube-types.ts';
import { nameSuffix, templateHash } from './names.ts';
import { podFromTemplate } from './pod-from-template.ts';
import { type PodOwnerOptions, podsOfOwner, type TemplateSpec, watchPodOwners } from './pod-owners.ts';

const REVISION = 'controller-revision-hash';

/** DaemonSets: the cluster has one node, so each has one pod; a changed template replaces it. */
export function startDaemonSetController(
  options: PodOwnerOptions & { readonly random: Parameters<typeof nameSuffix>[0] },
): () => void {
  return watchPodOwners('DaemonSet', options, (key, changeId) => {
    const { store, admit, random } = options;
    const set = store.get('DaemonSet', nameOf(key)) as KubeObject<TemplateSpec> | undefined;
    if (set?.spec === undefined || set.metadata.deletionTimestamp !== undefined) return;
    const revision = templateHash(set.spec.template);
    const pods = podsOfOwner(store, set);
    const [current, ...surplus] = pods.filter(({ metadata }) => metadata.labels?.[REVISION] === revision);
    const outdated = pods.filter(({ metadata }) => metadata.labels?.[REVISION] !== revision);
    for (const pod of [...outdated, ...surplus]) store.delete('Pod', addressOf(pod), { changeId });
    if (current === undefined) {
      const names = { name: `${set.metadata.name}-${nameSuffix(random)}`, generateName: `${set.metadata.name}-` };
      const pod = podFromTemplate(set, set.spec.template, { ...names, labels: { [REVISION]: revision } });
      store.create(admit(pod), { changeId });
    }
    const ready = current !== undefined && isReady(current) ? 1 : 0;
    store.updateStatus(
      'DaemonSet',
      nameOf(key),
      {
        observedGeneration: set.metadata.generation ?? 1,
        currentNumberScheduled: 1,
        desiredNumberScheduled: 1,
        updatedNumberScheduled: 1,
        numberMisscheduled: 0,
        numberReady: ready,
        numberAvailable: ready,
        numberUnavailable: 1 - ready,
      },
      { changeId },
    );
  });
}
