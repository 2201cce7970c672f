import type { KubeObject } from '#domain';
import type { KubeStore } from '#kube-api';
import type { PodObject } from '../kube-types.ts';
import { nodeName } from './system.ts';

/**
 * The node of a new pod. All nodes are this machine under several names, so that its pods may be in several zones: the one that the pod
 * names, else, of those that its nodeSelector allows and nobody has cordoned, the one with the fewest pods of its owner, then of all.
 */
export function chooseNode(store: KubeStore, pod: PodObject): string {
  const nodes = store.list('Node');
  if (nodes.length < 2) return nodeName;
  const { nodeName: named, nodeSelector } = pod.spec as { nodeName?: string; nodeSelector?: Record<string, string> };
  if (named !== undefined && nodes.some(({ metadata }) => metadata.name === named)) return named;
  const fitting = nodes.filter((node) => !isCordoned(node) && hasAll(node.metadata.labels ?? {}, nodeSelector ?? {}));
  const pods = store.list('Pod') as readonly PodObject[];
  const owner = ownerOf(pod);
  const load = (name: string): readonly [number, number] => {
    const there = pods.filter(({ spec }) => spec.nodeName === name);
    return [there.filter((each) => owner !== undefined && ownerOf(each) === owner).length, there.length];
  };
  const ranked = fitting
    .map(({ metadata: { name } }) => ({ name, load: load(name) }))
    .sort((a, b) => a.load[0] - b.load[0] || a.load[1] - b.load[1] || (a.name < b.name ? -1 : 1));
  return ranked[0]?.name ?? nodeName;
}

const ownerOf = ({ metadata }: PodObject): string | undefined => metadata.ownerReferences?.[0]?.uid;

const isCordoned = (node: KubeObject): boolean => (node.spec as { unschedulable?: boolean })?.unschedulable === true;

const hasAll = (labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);
