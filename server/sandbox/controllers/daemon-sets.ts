import type { KubeObject } from '#domain';
import type { KubeStore } from '#kube-api';
import { addressOf, isReady, nameOf, type PodObject, type PodTemplate } from '../kube-types.ts';
import { mayStay, misfit } from '../mesh/node-fit.ts';
import { nodeName } from '../mesh/system.ts';
import { nameSuffix, templateHash } from './names.ts';
import { podFromTemplate } from './pod-from-template.ts';
import { type PodOwnerOptions, podsOfOwner, type TemplateSpec, watchPodOwners } from './pod-owners.ts';
import { share } from './replica-counts.ts';

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
  readonly updateStrategy?: {
    readonly type?: 'RollingUpdate' | 'OnDelete';
    readonly rollingUpdate?: { readonly maxUnavailable?: number | string };
  };
}

type DaemonSet = KubeObject<DaemonSpec> & { readonly spec: DaemonSpec };
type DaemonOptions = PodOwnerOptions & { readonly random: Parameters<typeof nameSuffix>[0] };

/** DaemonSets: a pod on each node that it fits on; a changed template replaces them, so many at a time as may be missing. */
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
  const kept: PodObject[] = [];
  const gone = misplaced.filter((pod) => {
    const node = store.get('Node', { namespace: '', name: placeOf(pod) });
    return node === undefined || !mayStay(pod, node);
  });
  for (const node of nodes) {
    const [first, ...surplus] = pods
      .filter((pod) => placeOf(pod) === node)
      .sort((a, b) => Number(isUpdated(b)) - Number(isUpdated(a)));
    gone.push(...surplus);
    if (first !== undefined) kept.push(first);
    else {
      const names = { name: `${set.metadata.name}-${nameSuffix(random)}`, generateName: `${set.metadata.name}-` };
      const template = templateFor(set.spec.template, store.list('Node').length === 0 ? undefined : node);
      const pod = podFromTemplate(set, template, { ...names, labels: { [REVISION]: revision } });
      store.create(admit(pod), { changeId });
    }
  }
  for (const pod of [...gone, ...outdated(set, kept, { isUpdated, wanted: nodes.length })]) {
    store.delete('Pod', addressOf(pod), { changeId });
  }
  const ready = kept.filter(isReady).length;
  const status = {
    observedGeneration: set.metadata.generation ?? 1,
    currentNumberScheduled: kept.length,
    desiredNumberScheduled: nodes.length,
    updatedNumberScheduled: kept.filter(isUpdated).length,
    numberMisscheduled: misplaced.length,
    numberReady: ready,
    numberAvailable: ready,
    ...(nodes.length > ready ? { numberUnavailable: nodes.length - ready } : {}),
  };
  store.updateStatus('DaemonSet', addressOf(set), status, { changeId });
}

interface Rollout {
  readonly isUpdated: (pod: PodObject) => boolean;
  readonly wanted: number;
}

/** Pods of an older template that may go now: those that serve nobody, and of the others as many as may be missing. */
function outdated({ spec }: DaemonSet, kept: readonly PodObject[], { isUpdated, wanted }: Rollout): PodObject[] {
  if (spec.updateStrategy?.type === 'OnDelete') return [];
  const { maxUnavailable = 1 } = spec.updateStrategy?.rollingUpdate ?? {};
  const most = share(maxUnavailable, wanted, Math.ceil);
  const old = kept.filter((pod) => !isUpdated(pod));
  const idle = old.filter((pod) => !isReady(pod));
  const missing = wanted - kept.filter(isReady).length;
  const spare = Math.max(0, Math.max(1, most) - missing);
  return [...idle, ...old.filter(isReady).slice(0, spare)];
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
