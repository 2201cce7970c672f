import type { KindDefinition, KubeObject } from '#domain';
import { subresourcesOf } from '../discovery/subresources.ts';
import type { JsonRecord } from '../json.ts';

/** What a cluster with Istio and the Gateway API installed says of a custom kind. Its fields are described by OpenAPI. */
export function definitionOf(kind: KindDefinition): KubeObject {
  const { categories, group, namespaced, plural, shortNames, singular, versions } = kind;
  const names = {
    ...(categories.length > 0 ? { categories } : {}),
    kind: kind.kind,
    listKind: `${kind.kind}List`,
    plural,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    singular,
  };
  const hasStatus = subresourcesOf(kind).some((each) => each.name === 'status');
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, ...(provenance(group) ?? {}) },
    spec: {
      conversion: { strategy: 'None' },
      group,
      names,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: versions.map(
        (name, index): JsonRecord => ({
          name,
          served: true,
          storage: index === 0,
          ...(hasStatus ? { subresources: { status: {} } } : {}),
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        }),
      ),
    },
    status: {
      acceptedNames: names,
      conditions: ['NamesAccepted', 'Established'].map((type) => ({ type, status: 'True', reason: REASONS[type] })),
      storedVersions: versions.slice(0, 1),
    },
  };
}

const REASONS: Readonly<Record<string, string>> = { NamesAccepted: 'NoConflicts', Established: 'InitialNamesAccepted' };

/** The marks by which tools tell who installed a definition. */
function provenance(group: string): Pick<KubeObject['metadata'], 'labels' | 'annotations'> | undefined {
  if (group.endsWith('.istio.io')) return { labels: { app: 'istio-pilot', chart: 'istio', release: 'istio' } };
  if (group === 'gateway.networking.k8s.io') {
    return {
      annotations: {
        'gateway.networking.k8s.io/channel': 'standard',
        'gateway.networking.k8s.io/bundle-version': 'v1.6.0',
      },
    };
  }
  return undefined;
}
