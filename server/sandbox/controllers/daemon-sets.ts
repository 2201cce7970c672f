import type { KubeObject } from '#domain';
import type { KubeStore } from '#kube-api';
import { addressOf, isReady, nameOf, type PodObject, type PodTemplate } from '../kube-types.ts';
import { mayStay, misfit } from '../mesh/node-fit.ts';
import { nodeName } from '../mesh/system.ts';
import { nextSteps, type UpdateStrategy } from './daemon-rollout.ts';
import { nameSuffix, templateHash } from './names.ts';
import { podFromTemplate } from './pod-from-template.ts';
import { type PodOwnerOptions, podsOfOwner, type TemplateSpec, watchPodOwners } from './pod-owners.ts';

const REVISION = 'controller-revision-hash';

/** What a daemon's pod bears with of itself. Source: AddOrUpdateDaemonPodTolerations in kubernetes. */
const TOLERATIONS = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
] as const;

interface DaemonSpec extends TemplateSpec {
  readonly updateStrategy?: UpdateStrategy;
}

type DaemonSet = KubeObject<DaemonSpec> & { readonly spec: DaemonSpec };
type DaemonOptions = PodOwnerOptions & { readonly random: Parameters<typeof nameSuffix>[0] };

/**
 * DaemonSets: a pod on each node that it fits on. A changed template replaces them, so many at a time as may be missing; or it puts the new
 * beside the old, on so many nodes at a time as maxSurge says, and the old go when the new are ready.
 */
export function startDaemonSetController(options: DaemonOptions): () => void {
  return watchPodOwners('DaemonSet', { ...options, followsNodes: true }, (key, changeId) => {
    const set = options.store.get('DaemonSet', nameOf(key)) as DaemonSet | undefined;
    if (set?.spec === undefined || set.metadata.deletionTimestamp !== undefined) return;
    reconcile(options, set, changeId);
  });
}

function reconcile(options: DaemonOptions, set: DaemonSet, changeId: string): void {
  const { store, admit, random } = options;
  const revision = templateHash(set.spec.template);
  const nodes = nodesFor(store, set);
  const pods = podsOfOwner(store, set);
  const misplaced = pods.filter((pod) => !nodes.includes(placeOf(pod)));
  const isUpdated = ({ metadata }: PodObject): boolean => metadata.labels?.[REVISION] === revision;
  const places = nodes.map((node) => {
    const there = pods.filter((pod) => placeOf(pod) === node);
    return { node, updated: there.filter(isUpdated), old: there.filter((pod) => !isUpdated(pod)) };
  });
  const { create, remove, counted } = nextSteps(places, set.spec.updateStrategy);
  for (const node of create) {
    const names = { name: `${set.metadata.name}-${nameSuffix(random)}`, generateName: `${set.metadata.name}-` };
    const template = templateFor(set.spec.template, store.list('Node').length === 0 ? undefined : node);
    const pod = podFromTemplate(set, template, { ...names, labels: { [REVISION]: revision } });
    store.create(admit(pod), { changeId });
  }
  const driven = misplaced.filter((pod) => {
    const node = store.get('Node', { namespace: '', name: placeOf(pod) });
    return node === undefined || !mayStay(pod, node);
  });
  for (const pod of [...driven, ...remove]) store.delete('Pod', addressOf(pod), { changeId });
  const ready = counted.filter(isReady).length;
  const status = {
    observedGeneration: set.metadata.generation ?? 1,
    currentNumberScheduled: counted.length,
    desiredNumberScheduled: nodes.length,
    updatedNumberScheduled: new Set(pods.filter(isUpdated).map(placeOf)).size,
    numberMisscheduled: misplaced.length,
    numberReady: ready,
    numberAvailable: ready,
    ...(nodes.length > ready ? { numberUnavailable: nodes.length - ready } : {}),
  };
  store.updateStatus('DaemonSet', addressOf(set), status, { changeId });
}

/** Names of the nodes that its pods fit on. A cluster without Node objects is one machine. */
function nodesFor(store: KubeStore, { spec, metadata }: DaemonSet): string[] {
  const nodes = store.list('Node');
  if (nodes.length === 0) return [nodeName];
  const pod = { metadata, spec: templateFor(spec.template, undefined).spec } as PodObject;
  return nodes
    .filter((node) => misfit(pod, node, { nodes: [], pods: [] }) === undefined)
    .map((node) => node.metadata.name);
}

/** The node that a pod is on, or is meant for. */
function placeOf({ spec }: PodObject): string {
  return spec.nodeName ?? meantFor(spec as Meant) ?? '';
}

interface Meant {
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms?: readonly { readonly matchFields?: readonly { readonly values?: string[] }[] }[];
      };
    };
  };
}

const meantFor = ({ affinity }: Meant): string | undefined =>
  affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.[0]?.matchFields?.[0]
    ?.values?.[0];

/** The template for a pod that no other node may take. */
function templateFor(template: PodTemplate, node: string | undefined): PodTemplate {
  const { tolerations = [], affinity = {} } = template.spec as PodTemplate['spec'] & {
    readonly tolerations?: readonly object[];
    readonly affinity?: object & Meant['affinity'];
  };
  const spec = { ...template.spec, tolerations: [...tolerations, ...TOLERATIONS] };
  if (node === undefined) return { ...template, spec };
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const nodeSelectorTerms = (required ?? [{}]).map((term) => ({ ...term, matchFields }));
  const nodeAffinity = {
    ...affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
  };
  return { ...template, spec: { ...spec, affinity: { ...affinity, nodeAffinity } } };
}
