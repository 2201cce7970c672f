import { isDeepStrictEqual } from 'node:util';
import type { PodTemplate } from '../kube-types.ts';

const HASH_LABEL = 'pod-template-hash';

/** Whether two pod templates ask for the same pods: the label that tells sets apart does not count, nor does the order of keys. */
export function sameTemplate(a: PodTemplate, b: PodTemplate): boolean {
  return isDeepStrictEqual(comparable(a), comparable(b));
}

function comparable({ metadata, spec }: PodTemplate): object {
  const { [HASH_LABEL]: _hash, ...labels } = metadata?.labels ?? {};
  return { labels, annotations: metadata?.annotations ?? {}, spec };
}
