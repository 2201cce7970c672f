import { serviceHostname } from '#domain';
import type { Destination } from '../snapshot/istio-types.ts';
import type { Fault } from './conditions.ts';
import { GATEWAY_GROUP } from './objects.ts';
import type { ReferenceContext } from './reference-context.ts';
import {
  type GroupKind,
  groupKind,
  HOSTNAME,
  INFERENCE_POOL,
  type RouteKind,
  SERVICE,
  SERVICE_IMPORT,
} from './references.ts';
import type { BackendObjectReference, BackendRef } from './types.ts';

/** Who names a backend. */
export interface BackendOwner {
  readonly kind: RouteKind;
  readonly namespace: string;
  /** Routes of the mesh need no ReferenceGrant: their clients could call the backend anyway. */
  readonly needsGrants: boolean;
}

export type BackendResult =
  | {
      /** A host that no cluster has where the reference is not valid: the proxy then answers 500 for this share. */
      readonly destination: Destination;
      readonly fault?: Fault | undefined;
    }
  /** The whole route cannot be built. */
  | { readonly fatal: Fault };

/** Names no service. */
const NOWHERE: Destination = { host: '' };

/** The destination that a backend reference means. Source: buildDestination in istio pilot/pkg/config/kube/gateway. */
export function backendDestination(
  reference: BackendObjectReference,
  owner: BackendOwner,
  { index, grants }: ReferenceContext,
): BackendResult {
  const kind = groupKind(reference, SERVICE);
  const namespace = reference.namespace ?? owner.namespace;
  if (owner.needsGrants && namespace !== owner.namespace) {
    const from: GroupKind = `${GATEWAY_GROUP}/${owner.kind}`;
    const to = { kind, namespace, name: reference.name };
    if (!grants.allows({ kind: from, namespace: owner.namespace }, to)) {
      const by = `${owner.kind} in namespace "${owner.namespace}"`;
      const message = `backendRef ${reference.name}/${namespace} not accessible to a ${by} (missing a ReferenceGrant?)`;
      return { destination: NOWHERE, fault: { reason: 'RefNotPermitted', message } };
    }
  }
  const host = backendHost(reference, kind, namespace);
  if ('fatal' in host) return { fatal: host.fatal };
  if ('unsupported' in host) return { destination: NOWHERE, fault: host.unsupported };
  if (reference.port === undefined) return { fatal: invalid('port is required in backendRef') };
  const known =
    kind === HOSTNAME
      ? index.hosts.has(`${namespace}/${host.name}`)
      : index.services.has(`${namespace}/${reference.name}`);
  return {
    destination: { host: host.name, port: { number: reference.port } },
    fault: known ? undefined : { reason: 'BackendNotFound', message: `backend(${host.name}) not found` },
  };
}

const invalid = (message: string): Fault => ({ reason: 'InvalidDestination', message });

function backendHost(
  { name, namespace: named, group = '', kind: shown = '' }: BackendObjectReference,
  kind: GroupKind,
  namespace: string,
): { readonly name: string } | { readonly fatal: Fault } | { readonly unsupported: Fault } {
  switch (kind) {
    case SERVICE:
      return name.includes('.')
        ? { fatal: invalid('service name invalid; the name of the Service must be used, not the hostname.') }
        : { name: serviceHostname(name, namespace) };
    case HOSTNAME:
      return named === undefined ? { name } : { fatal: invalid('namespace may not be set with Hostname type') };
    case SERVICE_IMPORT:
      return { name: serviceHostname(name, namespace) };
    case INFERENCE_POOL: {
      const how = 'set ENABLE_GATEWAY_API_INFERENCE_EXTENSION to true in istiod';
      return { unsupported: { reason: 'InvalidKind', message: `InferencePool is not enabled. To enable, ${how}` } };
    }
    default: {
      const message = `referencing unsupported backendRef: group "${group}" kind "${shown}"`;
      return { unsupported: { reason: 'InvalidKind', message } };
    }
  }
}

/** A backend that takes part in a route. */
export interface WeightedBackend {
  readonly backend: BackendRef;
  /** Position in `backendRefs`. */
  readonly position: number;
  /** 0 where it is the only one: then it takes everything. */
  readonly weight: number;
}

/** The backends with a weight, 1 where none is given. Undefined: there is nobody to send to. */
export function weightedBackends(backends: readonly BackendRef[] = []): readonly WeightedBackend[] | undefined {
  const weighted = backends
    .map((backend, position) => ({ backend, position, weight: backend.weight ?? 1 }))
    .filter(({ weight }) => weight !== 0);
  if (weighted.length === 0) return undefined;
  return weighted.length === 1 ? weighted.map((only) => ({ ...only, weight: 0 })) : weighted;
}
