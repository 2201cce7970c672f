import type { Proxy } from '#data-plane';
import type { RunningPod } from '#sandbox';
import { type ShellContext, UsageError } from '../../command.ts';
import { findPod, names } from '../kubectl/targets.ts';

/** The pod and proxy behind `pod`, `pod.namespace`, `deploy/name`, `deploy/name.namespace`. */
export function findProxy(context: ShellContext, namespace: string, word: string): { pod: RunningPod; proxy: Proxy } {
  const pod = findPod(context, ...splitNamespace(context, namespace, word));
  if (!pod.proxy) {
    throw new UsageError(
      `Error: pod ${pod.name}.${pod.namespace} has no proxy. Is its namespace labelled istio-injection=enabled, and was the pod made after that?`,
    );
  }
  return { pod, proxy: pod.proxy };
}

/** A name may itself contain dots, so what follows the last one counts only when it is a namespace. */
function splitNamespace(context: ShellContext, namespace: string, word: string): [namespace: string, name: string] {
  const [, name, last] = /^(.+)\.([a-z0-9-]+)$/.exec(word) ?? [];
  const known = last !== undefined && context.sandbox.store.get('Namespace', { namespace: '', name: last });
  return known && name !== undefined && last !== undefined ? [last, name] : [namespace, word];
}

export const proxied = (context: ShellContext): RunningPod[] =>
  context.sandbox.pods.filter((pod) => pod.proxy !== undefined);

/** Pods that have a proxy: `name.namespace`, and `deploy/name` where it stands in this namespace. */
export const completeProxies = (namespace: string, context: ShellContext): readonly string[] => [
  ...proxied(context).map((pod) => `${pod.name}.${pod.namespace}`),
  ...names(context, 'Deployment', namespace).map((name) => `deploy/${name}`),
];
