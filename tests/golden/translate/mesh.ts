import { parseAllDocuments } from 'yaml';
import {
  createObjectTables,
  createSnapshotDeriver,
  DEFAULT_MESH_CONFIG,
  ISTIO_MESH_DEFAULTS,
  type MeshSnapshot,
  readFeatures,
  readMeshText,
} from '#control-plane';
import type { KubeObject } from '#domain';
import type { ProxyNode } from '#xds';

/** The first document of a case: for whom configuration is built, and the mesh it stands in. */
export interface CaseHeader {
  readonly proxy: {
    readonly type: 'sidecar' | 'router' | 'grpc';
    readonly namespace: string;
    readonly labels?: Record<string, string>;
    readonly ip?: string;
    /** Istio's build of Envoy, which has filters of its own. */
    readonly istio?: boolean;
    /** What its node says of itself besides. */
    readonly metadata?: Readonly<Record<string, unknown>>;
  };
  /** Names of parts to print; all when absent. */
  readonly show?: readonly ('listeners' | 'routes' | 'clusters' | 'endpoints' | 'extensions' | 'names')[];
  /** Only resources whose name contains one of these. */
  readonly names?: readonly string[];
  /** Fields that are not printed, wherever they stand: what the case is not about. */
  readonly hide?: readonly string[];
  readonly include?: readonly string[];
  /** MeshConfig over Istio's own defaults; without it, the lab's defaults hold. */
  readonly mesh?: Readonly<Record<string, unknown>>;
  /** istiod's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** All objects are equally old, so that only their names order them. */
  readonly sameAge?: boolean;
}

export function parseDocuments(text: string): unknown[] {
  return parseAllDocuments(text).flatMap((document) => {
    const value: unknown = document.toJS();
    return value === null ? [] : [value];
  });
}

/** Objects without a creation time are as old as their place in the file says. */
export function snapshotOf(
  objects: readonly KubeObject[],
  { mesh, sameAge, env = {} }: Pick<CaseHeader, 'mesh' | 'sameAge' | 'env'> = {},
): MeshSnapshot {
  const tables = createObjectTables();
  for (const [i, object] of objects.entries()) {
    const metadata = {
      creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, sameAge === true ? 0 : i)).toISOString(),
      namespace: 'default',
      ...object.metadata,
    };
    tables.apply('ADDED', { ...object, metadata });
  }
  const config = mesh === undefined ? DEFAULT_MESH_CONFIG : readMeshText(mesh, ISTIO_MESH_DEFAULTS);
  return createSnapshotDeriver({ ...config, features: readFeatures(env) })(tables);
}

export function nodeOf({
  type,
  namespace,
  labels = {},
  ip = '127.8.99.1',
  istio,
  metadata,
}: CaseHeader['proxy']): ProxyNode {
  return {
    id: `${type === 'router' ? 'router' : 'sidecar'}~${ip}~client.${namespace}~${namespace}.svc.cluster.local`,
    cluster: `client.${namespace}`,
    metadata: {
      NAMESPACE: namespace,
      LABELS: labels,
      ...(type === 'grpc' && { GENERATOR: 'grpc' }),
      ...(istio && { ISTIO_VERSION: '1.31.0' }),
      ...metadata,
    },
  };
}
