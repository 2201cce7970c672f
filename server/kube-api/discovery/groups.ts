import type { KindDefinition } from '#domain';
import { reviewKinds } from '../auth/review-kinds.ts';
import type { KindRegistry, ServedKind } from '../doors.ts';
import { servedViews } from '../http/views.ts';
import { isKubernetesGroup } from '../types/types.ts';

/** One version of a group, with the kinds that it serves. */
export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly kinds: readonly ServedKind[];
}

export interface Group {
  readonly name: string;
  /** The preferred one first. */
  readonly versions: readonly GroupVersion[];
}

/** The order in which clusters list their own groups; custom resources follow by name. Clients take the first of ambiguous words. */
const ORDER = [
  ...['', 'apiregistration.k8s.io', 'apps', 'events.k8s.io', 'authentication.k8s.io', 'authorization.k8s.io'],
  ...['autoscaling', 'batch', 'certificates.k8s.io', 'networking.k8s.io', 'policy', 'rbac.authorization.k8s.io'],
  ...['storage.k8s.io', 'admissionregistration.k8s.io', 'apiextensions.k8s.io', 'scheduling.k8s.io'],
  ...['coordination.k8s.io', 'node.k8s.io', 'discovery.k8s.io'],
];

const rank = (name: string): number => {
  const at = ORDER.indexOf(name);
  return at >= 0 ? at : ORDER.length + (isKubernetesGroup(name) ? 0 : 1);
};

/** A newer, more stable version first, as Kubernetes orders them: v2, v1, v1beta1, v1alpha1. */
function versionRank(version: string): number {
  const [, major = '0', level = '', minor = '0'] = /^v(\d+)(alpha|beta)?(\d+)?$/.exec(version) ?? [];
  const stability = level === '' ? 2 : level === 'beta' ? 1 : 0;
  return -(stability * 1e6 + Number(major) * 1e3 + Number(minor));
}

/** All groups that a registry serves, in discovery's order. */
export function groupsOf(registry: KindRegistry): readonly Group[] {
  const byName = new Map<string, Map<string, ServedKind[]>>();
  const views = servedViews(registry).map((view) => view.kind);
  for (const kind of [...registry.all, ...reviewKinds, ...views]) {
    const versions = byName.get(kind.group) ?? new Map<string, ServedKind[]>();
    byName.set(kind.group, versions);
    for (const version of kind.versions) versions.set(version, [...(versions.get(version) ?? []), kind]);
  }
  return [...byName]
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([name, versions]) => ({
      name,
      versions: [...versions]
        .sort(([a], [b]) => versionRank(a) - versionRank(b))
        .map(([version, kinds]) => ({ group: name, version, kinds: [...kinds].sort(byPlural) })),
    }));
}

const byPlural = (a: KindDefinition, b: KindDefinition): number => (a.plural < b.plural ? -1 : 1);

export const groupVersionText = ({ group, version }: Pick<GroupVersion, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;
