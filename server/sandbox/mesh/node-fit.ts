import { type KubeObject, type LabelExpression, type LabelSelector, selects } from '#domain';
import { isEnding, type PodObject } from '../kube-types.ts';

interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

export interface Toleration {
  readonly key?: string;
  readonly operator?: 'Exists' | 'Equal';
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}

interface NodeTerm {
  readonly matchExpressions?: readonly LabelExpression[];
  readonly matchFields?: readonly LabelExpression[];
}

interface PodTerm {
  readonly labelSelector?: LabelSelector;
  readonly topologyKey: string;
  readonly namespaces?: readonly string[];
}

interface PodTerms {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly PodTerm[];
}

/** What a pod asks of its node. */
interface Wishes {
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly Toleration[];
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: { readonly nodeSelectorTerms?: readonly NodeTerm[] };
    };
    readonly podAffinity?: PodTerms;
    readonly podAntiAffinity?: PodTerms;
  };
}

/** What is looked at: the pods that have a node, and all nodes. */
export interface Placement {
  readonly nodes: readonly KubeObject[];
  readonly pods: readonly PodObject[];
}

const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/**
 * Why a node cannot take a pod, in the scheduler's words; undefined when it can. The filters come in the scheduler's order, and the first
 * that says no gives the reason. Source: the plugins of kubernetes' pkg/scheduler/framework.
 */
export function misfit(pod: PodObject, node: KubeObject, placement: Placement): string | undefined {
  const { affinity = {}, tolerations = [] } = pod.spec as Wishes;
  const { unschedulable, taints = [] } = (node.spec ?? {}) as { unschedulable?: boolean; taints?: readonly Taint[] };
  if (unschedulable === true && !isTolerated(UNSCHEDULABLE, tolerations)) return 'node(s) were unschedulable';
  const taint = taints.find((each) => each.effect !== 'PreferNoSchedule' && !isTolerated(each, tolerations));
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  if (!matchesNode(pod, node)) return "node(s) didn't match Pod's node affinity/selector";
  const isNear = (term: PodTerm): boolean => hasPodNear(term, { pod, node, placement });
  const { podAffinity, podAntiAffinity } = affinity;
  const wanted = podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  // The first pod of a group that wants its own company may stand alone.
  const isAlone = (term: PodTerm): boolean =>
    isOwnGroup(term, pod) && !placement.pods.some((each) => isMeant(term, each, pod));
  if (!wanted.every((term) => isNear(term) || isAlone(term))) return "node(s) didn't match pod affinity rules";
  const avoided = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  if (avoided.some(isNear)) return "node(s) didn't match pod anti-affinity rules";
  return undefined;
}

/** Whether a pod may stay where it is: a taint that only keeps new pods away says nothing of it. */
export const mayStay = (pod: PodObject, node: KubeObject): boolean =>
  drivers(node).every((taint) => isTolerated(taint, (pod.spec as Wishes).tolerations ?? [])) && matchesNode(pod, node);

/**
 * For how many milliseconds a node's NoExecute taints let a pod be: 0 where it does not bear one, else the shortest time of the tolerations
 * by which it bears them. Source: getMinTolerationTime in kubernetes' pkg/controller/tainteviction.
 */
export function staysMs(pod: PodObject, node: KubeObject): number {
  const { tolerations = [] } = pod.spec as Wishes;
  const bearing = drivers(node).map((taint) => tolerations.filter((each) => tolerates(each, taint)));
  if (bearing.some((used) => used.length === 0)) return 0;
  const seconds = bearing.flat().flatMap(({ tolerationSeconds = [] }) => tolerationSeconds);
  return Math.max(0, 1000 * Math.min(Number.POSITIVE_INFINITY, ...seconds));
}

/** The taints that drive pods away that are there. */
function drivers({ spec }: KubeObject): readonly Taint[] {
  const { taints = [] } = (spec ?? {}) as { taints?: readonly Taint[] };
  return taints.filter(({ effect }) => effect === 'NoExecute');
}

/** Whether the pod's nodeSelector and node affinity allow the node. */
function matchesNode(pod: PodObject, node: KubeObject): boolean {
  const { nodeSelector = {}, affinity = {} } = pod.spec as Wishes;
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(nodeSelector).every(([key, value]) => labels[key] === value)) return false;
  const terms = affinity.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesTerm(term, node));
}

/** An empty term matches nothing. */
function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeTerm, node: KubeObject): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    matchExpressions.every((each) => meets(each, labels)) &&
    matchFields.every((each) => meets(each, { 'metadata.name': node.metadata.name }))
  );
}

/** Node affinity compares numbers, too. */
function meets(expression: LabelExpression, labels: Readonly<Record<string, string>>): boolean {
  const { key, values = [] } = expression;
  const operator = expression.operator as string;
  if (operator !== 'Gt' && operator !== 'Lt') return selects({ matchExpressions: [expression] }, labels);
  const [own, bound] = [Number.parseInt(labels[key] ?? '', 10), Number.parseInt(values[0] ?? '', 10)];
  return operator === 'Gt' ? own > bound : own < bound;
}

/**
 * What a pod bears with for five minutes unless it says something else of it: a node that is not ready, or not to be reached.
 * Source: the admission plugin DefaultTolerationSeconds of kubernetes.
 */
export function defaultTolerations({ spec }: PodObject): Toleration[] {
  const { tolerations = [] } = spec as Wishes;
  return ['not-ready', 'unreachable']
    .map((name) => ({ key: `node.kubernetes.io/${name}`, effect: 'NoExecute' as const }))
    .filter(
      ({ key, effect }) => !tolerations.some((each) => (each.key ?? key) === key && (each.effect ?? effect) === effect),
    )
    .map(({ key, effect }) => ({ key, operator: 'Exists', effect, tolerationSeconds: 300 }));
}

const isTolerated = (taint: Taint, tolerations: readonly Toleration[]): boolean =>
  tolerations.some((each) => tolerates(each, taint));

function tolerates({ key = '', operator = 'Equal', value = '', effect = '' }: Toleration, taint: Taint): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  return operator === 'Exists' || (key !== '' && value === (taint.value ?? ''));
}

interface Neighbourhood {
  readonly pod: PodObject;
  readonly node: KubeObject;
  readonly placement: Placement;
}

/** A pod that the term means is on a node of the same place. */
function hasPodNear(term: PodTerm, { pod, node, placement }: Neighbourhood): boolean {
  const place = node.metadata.labels?.[term.topologyKey];
  if (place === undefined) return false;
  const there = new Set(
    placement.nodes
      .filter(({ metadata }) => metadata.labels?.[term.topologyKey] === place)
      .map(({ metadata }) => metadata.name),
  );
  return placement.pods.some((each) => there.has(each.spec.nodeName ?? '') && isMeant(term, each, pod));
}

const isMeant = ({ labelSelector, namespaces }: PodTerm, { metadata, status }: PodObject, asker: PodObject): boolean =>
  labelSelector !== undefined &&
  status?.phase !== 'Succeeded' &&
  status?.phase !== 'Failed' &&
  (namespaces ?? [asker.metadata.namespace ?? '']).includes(metadata.namespace ?? '') &&
  selects(labelSelector, metadata.labels ?? {});

const isOwnGroup = (term: PodTerm, pod: PodObject): boolean => isMeant(term, pod, pod) && !isEnding(pod);

/** `0/2 nodes are available: 1 node(s) were unschedulable, …`, as the scheduler's event and condition have it. */
export function misfitMessage(reasons: readonly string[]): string {
  const counted = Map.groupBy(reasons, (reason) => reason);
  const parts = [...counted].map(([reason, all]) => `${all.length} ${reason}`).sort();
  const none = `0/${reasons.length} nodes are available`;
  const isAntiAffinity = (reason: string): boolean => reason.endsWith('anti-affinity rules');
  const helpless = reasons.filter((reason) => !isAntiAffinity(reason)).length;
  const why = [
    ...(helpless > 0 ? [`${helpless} Preemption is not helpful for scheduling`] : []),
    ...(helpless < reasons.length ? [`${reasons.length - helpless} No preemption victims found for incoming pod`] : []),
  ].sort();
  return `${none}: ${parts.join(', ')}. preemption: ${none}: ${why.join(', ')}.`;
}
