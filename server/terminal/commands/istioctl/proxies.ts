import type { Proxy } from '#data-plane';
import type { RunningPod } from '#sandbox';
import { type ShellContext, UsageError } from '../../command.ts';
import { findPod } from '../kubectl/targets.ts';

export const ISTIO_VERSION = '1.29.2';

/** The pod and proxy behind `pod`, `pod.namespace`, `deploy/name`, `deploy/name.namespace`. */
export function findProxy(context: ShellContext, namespace: string, word: string): { pod: RunningPod; proxy: Proxy } {
  const dotted = /^(.+)\.([a-z0-9-]+)$/.exec(word);
  const pod = dotted ? findPod(context, dotted[2] ?? namespace, dotted[1] ?? word) : findPod(context, namespace, word);
  if (!pod.proxy) {
    throw new UsageError(
      `Error: pod ${pod.name}.${pod.namespace} has no proxy. Is its namespace labelled istio-injection=enabled, and was the pod made after that?`,
    );
  }
  return { pod, proxy: pod.proxy };
}

export const proxied = (context: ShellContext): RunningPod[] =>
  context.sandbox.pods.filter((pod) => pod.proxy !== undefined);

export const completePods = (_words: readonly string[], context: ShellContext): readonly string[] =>
  proxied(context).map((pod) => `${pod.name}.${pod.namespace}`);
