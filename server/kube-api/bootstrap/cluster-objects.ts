import type { KubeStore } from '../doors.ts';
import { isKubernetesGroup } from '../types/types.ts';
import { definitionOf } from './custom-resource-definitions.ts';
import { defaultRoles } from './roles.ts';

/** Creates what a cluster has before anybody uses it, as far as its kinds are served: definitions of custom kinds, and default roles. */
export function seedClusterObjects(store: KubeStore): void {
  const { kinds } = store;
  const definitions = kinds.all.filter((kind) => !isKubernetesGroup(kind.group)).map(definitionOf);
  for (const object of [...definitions, ...defaultRoles]) {
    const kind = kinds.forObject(object.apiVersion, object.kind);
    if (!kind || store.get(`${kind.kind}.${kind.group}`, { namespace: '', name: object.metadata.name })) continue;
    store.create(object, { changeId: '' });
  }
}
