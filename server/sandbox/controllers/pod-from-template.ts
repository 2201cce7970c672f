import type { KubeObject } from '#domain';
import type { PodObject, PodTemplate } from '../kube-types.ts';

/** A pod of a controller: the template's metadata and spec, owned by what made it. */
export function podFromTemplate(
  owner: KubeObject,
  template: PodTemplate,
  metadata: {
    readonly name: string;
    readonly generateName?: string;
    readonly labels?: Readonly<Record<string, string>>;
  },
): PodObject {
  const { name, generateName, labels } = metadata;
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(generateName === undefined ? {} : { generateName }),
      namespace: owner.metadata.namespace ?? '',
      labels: { ...template.metadata?.labels, ...labels },
      annotations: { ...template.metadata?.annotations },
      ownerReferences: [
        {
          apiVersion: owner.apiVersion,
          kind: owner.kind,
          name: owner.metadata.name,
          uid: owner.metadata.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: structuredClone(template.spec),
  };
  return pod as PodObject;
}
