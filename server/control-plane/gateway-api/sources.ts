import type { KubeObject } from '#domain';
import type { Sources } from '../snapshot/config.ts';
import { namespaceOf } from './objects.ts';

/** Field paths of a generated object, and where each stands in the object it comes from. */
export type SourcePaths = Readonly<Record<string, string | undefined>>;

/** Paths of one source object; entries without a place are left out. The empty path stands for the whole object. */
export function sourcesIn(object: KubeObject, paths: SourcePaths): Sources {
  const { apiVersion, kind, metadata } = object;
  const place = { apiVersion, kind, namespace: namespaceOf(object), name: metadata.name };
  return new Map(
    Object.entries(paths).flatMap(([generated, path]) => (path === undefined ? [] : [[generated, { ...place, path }]])),
  );
}
