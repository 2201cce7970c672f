import type { KubeObject } from '#domain';

/** Where certificates stand, by `namespace/name`. */
export interface Credentials {
  readonly secrets: ReadonlyMap<string, KubeObject>;
  readonly configMaps: ReadonlyMap<string, KubeObject>;
}

export function deriveCredentials(secrets: readonly KubeObject[], configMaps: readonly KubeObject[]): Credentials {
  const byKey = (objects: readonly KubeObject[]): ReadonlyMap<string, KubeObject> =>
    new Map(objects.map((object) => [`${object.metadata.namespace ?? 'default'}/${object.metadata.name}`, object]));
  return { secrets: byKey(secrets), configMaps: byKey(configMaps) };
}
