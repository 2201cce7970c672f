import type { NamespacedName } from '#domain';
import { matchesLabels } from './kube-types.ts';

/** What befalls the programs of some pods from outside: settings laid over their environment while they run. */
export interface Strain {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Only this one of those pods; a pod that takes its place is free of it. */
  readonly pod?: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The strains of a sandbox by name. They are no part of the cluster: no object tells of them. */
export interface Strains {
  /** Undefined: it is over. */
  set(name: string, strain: Strain | undefined): void;
  all(): ReadonlyMap<string, Strain>;
  of(
    pod: Partial<NamespacedName> & { readonly labels?: Readonly<Record<string, string>> | undefined },
  ): Readonly<Record<string, string>>;
}

const NONE: Readonly<Record<string, string>> = {};

export function createStrains(): Strains {
  const strains = new Map<string, Strain>();
  return {
    set: (name, strain) => {
      if (strain === undefined) strains.delete(name);
      else strains.set(name, strain);
    },
    all: () => strains,
    of: (pod) => {
      if (strains.size === 0) return NONE;
      const own = [...strains.values()].filter(
        (strain) =>
          strain.namespace === pod.namespace &&
          matchesLabels(strain.labels, pod) &&
          (strain.pod === undefined || strain.pod === pod.name),
      );
      return own.length === 0 ? NONE : Object.assign({}, ...own.map(({ env }) => env));
    },
  };
}
