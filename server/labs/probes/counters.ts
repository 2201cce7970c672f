import type { Sandbox } from '#sandbox';
import type { BatchSpec } from '../lab-schema.ts';
import { everyEntry } from './fields.ts';

type CounterSpec = NonNullable<BatchSpec['stats']>[number];

/** Reads the figures of proxies anew that tell them only when they are asked. */
export async function freshFigures({ pods }: Pick<Sandbox, 'pods'>): Promise<void> {
  await Promise.all(pods.map(({ proxy }) => proxy?.admin.refresh?.()));
}

/** The counters that a batch is about. */
export interface Counters {
  /** By how much each has moved since, in the order of `batch.stats`. */
  moved(): readonly number[];
}

/** Notes where the proxies' counters stand before a batch. */
export function countersOf({ stats = [] }: BatchSpec, sandbox: Sandbox): Counters {
  const read = (): number[] => stats.map((stat) => readCounter(stat, sandbox));
  const before = read();
  return { moved: () => read().map((value, index) => value - (before[index] ?? 0)) };
}

/** Where a counter stands now. */
export function readCounter({ namespace, labels, name }: CounterSpec, sandbox: Sandbox): number {
  const wanted = new RegExp(name);
  return sandbox.pods
    .filter((pod) => pod.namespace === namespace && everyEntry(labels, (key, value) => pod.labels[key] === value))
    .flatMap((pod) => [...(pod.proxy?.admin.stats() ?? [])])
    .reduce((sum, [stat, value]) => (wanted.test(stat) ? sum + value : sum), 0);
}
