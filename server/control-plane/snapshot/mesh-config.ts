import { parse } from 'yaml';
import type { KubeObject } from '#domain';
import { parseDurationMs } from '#domain';
import type { MeshConfig } from '../doors.ts';

/** Istio's defaults, with access logs and full tracing as in the demo profile. */
export const DEFAULT_MESH_CONFIG: MeshConfig = Object.freeze({
  trustDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  outboundTrafficPolicy: 'ALLOW_ANY',
  enableAutoMtls: true,
  accessLogFile: '/dev/stdout',
  tracingSampling: 100,
  connectTimeoutMs: 10_000,
});

interface MeshText {
  readonly trustDomain?: string;
  readonly rootNamespace?: string;
  readonly outboundTrafficPolicy?: { readonly mode?: string };
  readonly enableAutoMtls?: boolean;
  readonly accessLogFile?: string;
  readonly connectTimeout?: string;
  readonly defaultConfig?: { readonly tracing?: { readonly sampling?: number } };
}

/** Name and key of the ConfigMap in the root namespace that holds the mesh's configuration. */
export const MESH_CONFIG_MAP = 'istio';

/**
 * Reads MeshConfig from the ConfigMap `istio`, key `mesh` (YAML); fields that are absent keep `base`'s value.
 * Text that is no YAML mapping leaves `base` as it is.
 */
export function readMeshConfig(configMap: KubeObject | undefined, base: MeshConfig = DEFAULT_MESH_CONFIG): MeshConfig {
  const text = (configMap?.['data'] as Record<string, string> | undefined)?.['mesh'];
  const mesh = text === undefined ? undefined : parseMapping(text);
  if (mesh === undefined) return base;
  const connectTimeoutMs = parseDurationMs(mesh.connectTimeout ?? '');
  const mode = mesh.outboundTrafficPolicy?.mode;
  return {
    trustDomain: mesh.trustDomain ?? base.trustDomain,
    rootNamespace: mesh.rootNamespace ?? base.rootNamespace,
    outboundTrafficPolicy: mode === 'ALLOW_ANY' || mode === 'REGISTRY_ONLY' ? mode : base.outboundTrafficPolicy,
    enableAutoMtls: mesh.enableAutoMtls ?? base.enableAutoMtls,
    accessLogFile: mesh.accessLogFile ?? base.accessLogFile,
    tracingSampling: mesh.defaultConfig?.tracing?.sampling ?? base.tracingSampling,
    connectTimeoutMs: connectTimeoutMs ?? base.connectTimeoutMs,
  };
}

function parseMapping(text: string): MeshText | undefined {
  try {
    const value: unknown = parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as MeshText) : undefined;
  } catch {
    // A ConfigMap that is being edited must not take the mesh down: the last good configuration, the base, stays in force.
    return undefined;
  }
}
