import type { KubeObject, NamespacedName } from '#domain';
import type { ServedKind } from '../doors.ts';
import type { Exchange } from './exchange.ts';
import type { ResourcePath } from './request-path.ts';

/** A request for a resource that is served: what the path leads to, in the version that the client speaks. */
export interface ResourceRequest {
  readonly exchange: Exchange;
  readonly path: ResourcePath;
  readonly kind: ServedKind;
  /** As the store names the kind. */
  readonly word: string;
  /** `networking.istio.io/v1beta1`, as objects are answered. */
  readonly apiVersion: string;
  /** For the audit of a write: minted once per request. */
  readonly changeId: string;
}

export const wordFor = ({ group, kind }: ServedKind): string => `${kind}.${group}`;

export const nameFrom = ({ namespace, name }: ResourcePath): NamespacedName => ({ namespace, name });

/** A stored object in the version that the client speaks. */
export function inVersion(object: KubeObject, apiVersion: string): KubeObject {
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}
