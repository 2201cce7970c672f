import type { PodObject } from '../kube-types.ts';
import { INIT_CONTAINER } from './injection-template.ts';

/** Switches of labs: what goes wrong at the start of a pod on a busy node. */
const NODE_AGENT = 'lab.meshwork.dev/node-agent';
const PROXY_START = 'lab.meshwork.dev/proxy-start-seconds';
const MAX_START_S = 60;

/**
 * Whether the pod's capture is set by an agent of its node, as Istio's CNI plugin does, and comes late: with the proxy, not before all
 * containers. Until then the application is reached, and calls, as if there were no mesh.
 */
export const capturedLate = ({ metadata }: PodObject): boolean => metadata.annotations?.[NODE_AGENT] === 'late';

/** How long the proxy of the pod takes before it does anything at all. */
export function proxyStartMs({ metadata }: PodObject): number {
  const seconds = Number(metadata.annotations?.[PROXY_START] ?? 0);
  return seconds > 0 ? Math.min(seconds, MAX_START_S) * 1000 : 0;
}

/** Where the node's agent sets capture, the pod has no init container for it. */
export function withoutInit(pod: PodObject): PodObject {
  if (!capturedLate(pod)) return pod;
  const initContainers = pod.spec.initContainers?.filter(({ name }) => name !== INIT_CONTAINER) ?? [];
  const { initContainers: _all, ...spec } = pod.spec;
  return { ...pod, spec: { ...spec, ...(initContainers.length > 0 && { initContainers }) } };
}
