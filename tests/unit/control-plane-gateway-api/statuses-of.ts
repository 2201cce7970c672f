import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '#domain';
import { convertGatewayApi } from '../../../server/control-plane/gateway-api/derive.ts';
import { createInstanceLookup } from '../../../server/control-plane/gateway-api/gateway-instances.ts';
import { statusChanges } from '../../../server/control-plane/gateway-api/statuses.ts';
import { objectsOf } from './objects-of.ts';

export interface ShownCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

interface ShownStatus {
  readonly conditions?: readonly ShownCondition[];
  readonly addresses?: readonly { readonly type: string; readonly value: string }[];
  readonly attachedListenerSets?: number;
  readonly listeners?: readonly {
    readonly name: string;
    readonly attachedRoutes: number;
    readonly supportedKinds: readonly { readonly kind: string }[];
    readonly conditions: readonly ShownCondition[];
  }[];
  readonly parents?: readonly {
    readonly parentRef: Readonly<Record<string, unknown>>;
    readonly controllerName: string;
    readonly conditions: readonly ShownCondition[];
  }[];
  readonly ancestors?: readonly {
    readonly ancestorRef: Readonly<Record<string, unknown>>;
    readonly controllerName: string;
    readonly conditions: readonly ShownCondition[];
  }[];
}

/** Objects from YAML text. */
export const parse = (text: string): KubeObject[] =>
  parseAllDocuments(text).flatMap((document) => (document.toJS() ?? []) as KubeObject);

/** The statuses that are written for these objects, by `Kind/name`; `slices` are EndpointSlices. */
export function statusesOf(
  objects: readonly KubeObject[],
  { now = '2026-01-01T00:00:00Z' }: { readonly now?: string } = {},
): ReadonlyMap<string, ShownStatus> {
  const read = objectsOf(objects);
  const slices = objects.filter(({ kind }) => kind === 'EndpointSlice');
  const changes = statusChanges(convertGatewayApi(read).findings, createInstanceLookup(read.services, slices), now);
  return new Map(
    changes.map(({ object, status }) => [`${object.kind}/${object.metadata.name}`, status as ShownStatus]),
  );
}

/** `Accepted Programmed=Invalid ResolvedRefs=InvalidCertificateRef`: types with their reason where it is not the good one. */
export function shown(conditions: readonly ShownCondition[] | undefined): string {
  return (conditions ?? [])
    .map(({ type, status, reason }) => {
      const good = type === 'Conflicted' ? status === 'False' : status === 'True';
      return good && (reason === type || reason === 'NoConflicts') ? type : `${type}${good ? '~' : '='}${reason}`;
    })
    .join(' ');
}

export const GATEWAY_API = 'gateway.networking.k8s.io/v1';

export const service = (name: string, spec: object = {}, namespace = 'default'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: { ports: [{ name: 'http', port: 80 }], ...spec },
});

export const gateway = (spec: object, metadata: object = {}): KubeObject => ({
  apiVersion: GATEWAY_API,
  kind: 'Gateway',
  metadata: { name: 'gw', ...metadata },
  spec: { gatewayClassName: 'istio', ...spec },
});

export const route = (kind: string, spec: object, metadata: object = {}): KubeObject => ({
  apiVersion: GATEWAY_API,
  kind,
  metadata: { name: 'web', ...metadata },
  spec: { parentRefs: [{ name: 'gw' }], ...spec },
});

export const namespace = (name: string, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

export const grant = (from: object, to: object, namespaceOfGrant: string): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1beta1',
  kind: 'ReferenceGrant',
  metadata: { name: 'grant', namespace: namespaceOfGrant },
  spec: { from: [from], to: [to] },
});
