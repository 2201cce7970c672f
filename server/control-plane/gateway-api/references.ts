import type { KubeObject } from '#domain';
import { GATEWAY_GROUP, namespaceOf } from './objects.ts';
import type { ReferenceGrantSpec } from './types.ts';

/** `group/Kind`; the core group is empty. */
export type GroupKind = `${string}/${string}`;

export const GATEWAY: GroupKind = `${GATEWAY_GROUP}/Gateway`;
export const LISTENER_SET: GroupKind = `${GATEWAY_GROUP}/ListenerSet`;
export const SERVICE: GroupKind = '/Service';
export const SECRET: GroupKind = '/Secret';
export const CONFIG_MAP: GroupKind = '/ConfigMap';
export const SERVICE_ENTRY: GroupKind = 'networking.istio.io/ServiceEntry';
/** A host name of the registry, in place of an object. */
export const HOSTNAME: GroupKind = 'networking.istio.io/Hostname';
export const SERVICE_IMPORT: GroupKind = 'multicluster.x-k8s.io/ServiceImport';
export const INFERENCE_POOL: GroupKind = 'inference.networking.k8s.io/InferencePool';

export type RouteKind = 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute';

/** The kind a reference means, with what it means where it does not say. */
export function groupKind(
  reference: { readonly group?: string | undefined; readonly kind?: string | undefined },
  fallback: GroupKind,
): GroupKind {
  const [group = '', kind = ''] = fallback.split('/');
  return `${reference.group ?? group}/${reference.kind ?? kind}`;
}

/** One direction that ReferenceGrants allow. */
export interface Grants {
  /** Whether objects of `from` may name `to.name`, which lives in another namespace. */
  allows(from: GrantEnd, to: GrantEnd & { readonly name: string }): boolean;
}

interface GrantEnd {
  readonly kind: GroupKind;
  readonly namespace: string;
}

const FROM_KINDS: ReadonlySet<string> = new Set(
  ['Gateway', 'ListenerSet', 'HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'].map(
    (kind) => `${GATEWAY_GROUP}/${kind}`,
  ),
);

const TO_KINDS: ReadonlySet<string> = new Set([SERVICE, SECRET, CONFIG_MAP]);

/** What the ReferenceGrants allow. Kinds that Istio does not handle are left to other controllers. */
export function readGrants(objects: readonly KubeObject[]): Grants {
  /** Allowed names (`*`: all) by direction. */
  const allowed = new Map<string, Set<string>>();
  for (const object of objects) {
    const { from = [], to = [] } = (object.spec ?? {}) as ReferenceGrantSpec;
    for (const source of from) {
      for (const target of to) {
        const sourceKind = groupKind(source, '/');
        const targetKind = groupKind(target, '/');
        if (!FROM_KINDS.has(sourceKind) || !TO_KINDS.has(targetKind)) continue;
        const key = direction(
          { kind: sourceKind, namespace: source.namespace },
          { kind: targetKind, namespace: namespaceOf(object) },
        );
        const names = allowed.get(key) ?? new Set();
        allowed.set(key, names.add(target.name ?? '*'));
      }
    }
  }
  return {
    allows(from, to) {
      const names = allowed.get(direction(from, to));
      return names !== undefined && (names.has('*') || names.has(to.name));
    },
  };
}

const direction = (from: GrantEnd, to: GrantEnd): string =>
  `${from.kind}@${from.namespace}->${to.kind}@${to.namespace}`;
