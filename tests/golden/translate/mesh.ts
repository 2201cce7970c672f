import { parseAllDocuments } from 'yaml';
import { createObjectTables, createSnapshotDeriver, DEFAULT_MESH_CONFIG, type MeshSnapshot } from '#control-plane';
import type { KubeObject } from '#domain';
import type { ProxyNode } from '#xds';

/** The first document of a case: for whom configuration is built, and the mesh it stands in. */
export interface CaseHeader {
  readonly proxy: {
    readonly type: 'sidecar' | 'router' | 'grpc';
    readonly namespace: string;
    readonly labels?: Record<string, string>;
    readonly ip?: string;
  };
  /** Names of parts to print; all when absent. */
  readonly show?: readonly ('listeners' | 'routes' | 'clusters' | 'endpoints')[];
  /** Only resources whose name contains one of these. */
  readonly names?: readonly string[];
  readonly include?: readonly string[];
}

export function parseDocuments(text: string): unknown[] {
  return parseAllDocuments(text).flatMap((document) => {
    const value: unknown = document.toJS();
    return value === null ? [] : [value];
  });
}

/** Objects without a creation time are as old as their place in the file says. */
export function snapshotOf(objects: readonly KubeObject[]): MeshSnapshot {
  const tables = createObjectTables();
  for (const [i, object] of objects.entries()) {
    const metadata = {
      creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, i)).toISOString(),
      namespace: 'default',
      ...object.metadata,
    };
    tables.apply('ADDED', { ...object, metadata });
  }
  return createSnapshotDeriver(DEFAULT_MESH_CONFIG)(tables);
}

export function nodeOf({ type, namespace, labels = {}, ip = '127.8.99.1' }: CaseHeader['proxy']): ProxyNode {
  return {
    id: `${type === 'router' ? 'router' : 'sidecar'}~${ip}~client.${namespace}~${namespace}.svc.cluster.local`,
    cluster: `client.${namespace}`,
    metadata: { NAMESPACE: namespace, LABELS: labels, ...(type === 'grpc' && { GENERATOR: 'grpc' }) },
  };
}
