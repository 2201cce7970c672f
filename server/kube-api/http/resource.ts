import type { KubeObject, NamespacedName } from '#domain';
import type { ServedKind } from '../doors.ts';
import type { Exchange } from './exchange.ts';
import type { ResourcePath } from './request-path.ts';
import type { View } from './views.ts';

/** A request for a resource that is served: what the path leads to, in the version that the client speaks. */
export interface ResourceRequest {
  readonly exchange: Exchange;
  readonly path: ResourcePath;
  readonly kind: ServedKind;
  /** The kind in the store: another one where the client sees a view. */
  readonly stored: ServedKind;
  readonly view?: View | undefined;
  /** As the store names the kind. */
  readonly word: string;
  /** `networking.istio.io/v1beta1`, as objects are answered. */
  readonly apiVersion: string;
  /** For the audit of a write: minted once per request. */
  readonly changeId: string;
}

export const wordFor = ({ group, kind }: ServedKind): string => `${kind}.${group}`;

export const nameFrom = ({ namespace, name }: ResourcePath): NamespacedName => ({ namespace, name });

/** A stored object as the client sees it. */
export function shown({ apiVersion, view }: ResourceRequest, object: KubeObject): KubeObject {
  if (view) return view.show(object);
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}
