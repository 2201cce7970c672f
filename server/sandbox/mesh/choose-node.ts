import type { KubeStore } from '#kube-api';
import type { PodObject } from '../kube-types.ts';
import { misfit, misfitMessage } from './node-fit.ts';
import { nodeName } from './system.ts';

/** The name of a node, or why none can take the pod. */
export type Choice = { readonly node: string } | { readonly message: string };

/**
 * The node of a new pod. All nodes are this machine under several names, so that its pods may be in several zones: the one that the pod
 * names, else, of those that it fits on, the one with the fewest pods of its owner, then of all.
 */
export function chooseNode(store: KubeStore, pod: PodObject): Choice {
  const nodes = store.list('Node');
  if (nodes.length === 0) return { node: nodeName };
  const { nodeName: named } = pod.spec;
  if (named !== undefined && nodes.some(({ metadata }) => metadata.name === named)) return { node: named };
  const pods = (store.list('Pod') as readonly PodObject[]).filter(({ spec }) => spec.nodeName !== undefined);
  const judged = nodes.map((node) => ({ name: node.metadata.name, reason: misfit(pod, node, { nodes, pods }) }));
  const owner = ownerOf(pod);
  const load = (name: string): readonly [number, number] => {
    const there = pods.filter(({ spec }) => spec.nodeName === name);
    return [there.filter((each) => owner !== undefined && ownerOf(each) === owner).length, there.length];
  };
  const [best] = judged
    .filter(({ reason }) => reason === undefined)
    .map(({ name }) => ({ name, load: load(name) }))
    .sort((a, b) => a.load[0] - b.load[0] || a.load[1] - b.load[1] || (a.name < b.name ? -1 : 1));
  if (best !== undefined) return { node: best.name };
  return { message: misfitMessage(judged.flatMap(({ reason }) => reason ?? [])) };
}

const ownerOf = ({ metadata }: PodObject): string | undefined => metadata.ownerReferences?.[0]?.uid;
