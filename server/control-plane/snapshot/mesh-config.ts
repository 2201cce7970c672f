import type { KubeObject } from '#domain';
import { parseDurationMs } from '#domain';
import { canonicalMesh, parseKubernetesYaml } from '#istio';
import type { MeshConfig } from '../doors.ts';
import { type MeshOptions, pickOptions } from './mesh-options.ts';
import { DEFAULT_FEATURES } from './pilot-features.ts';

/** Istio's defaults, with access logs and full tracing as in the demo profile. */
export const DEFAULT_MESH_CONFIG: MeshConfig = Object.freeze({
  trustDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  outboundTrafficPolicy: 'ALLOW_ANY',
  enableAutoMtls: true,
  accessLogFile: '/dev/stdout',
  tracingSampling: 100,
  connectTimeoutMs: 10_000,
  trustDomainAliases: [],
  pathNormalization: 'BASE',
  accessLogEncoding: 'TEXT',
  accessLogFormat: '',
  extensionProviders: [],
  // As Istio's chart sets it.
  defaultProviders: { metrics: ['prometheus'] },
  features: DEFAULT_FEATURES,
});

interface MeshText extends MeshOptions {
  readonly trustDomain?: string;
  readonly rootNamespace?: string;
  readonly outboundTrafficPolicy?: { readonly mode?: string };
  readonly enableAutoMtls?: boolean;
  readonly accessLogFile?: string;
  readonly connectTimeout?: string;
  readonly trustDomainAliases?: readonly string[];
  readonly pathNormalization?: { readonly normalization?: string };
  readonly accessLogEncoding?: string;
  readonly accessLogFormat?: string;
  readonly extensionProviders?: MeshConfig['extensionProviders'];
  readonly defaultProviders?: MeshConfig['defaultProviders'];
}

/** Istio's defaults as they are without any profile: no access log, one request of a hundred traced. */
export const ISTIO_MESH_DEFAULTS: MeshConfig = Object.freeze({
  ...DEFAULT_MESH_CONFIG,
  accessLogFile: '',
  tracingSampling: 1,
  defaultProviders: {},
});

/** Name and key of the ConfigMap in the root namespace that holds the mesh's configuration. */
export const MESH_CONFIG_MAP = 'istio';

/** What a profile writes into the ConfigMap: where somebody takes it out there, it is gone. */
const { accessLogFile, defaultProviders } = ISTIO_MESH_DEFAULTS;

/**
 * Reads MeshConfig from the ConfigMap `istio`, key `mesh` (YAML); fields that are absent keep `base`'s value, but what profiles write has
 * Istio's own. Text that is no YAML mapping leaves `base` as it is.
 */
export function readMeshConfig(configMap: KubeObject | undefined, base: MeshConfig = DEFAULT_MESH_CONFIG): MeshConfig {
  const text = (configMap?.['data'] as Record<string, string> | undefined)?.['mesh'];
  const mesh = text === undefined ? undefined : parseMapping(text);
  return mesh === undefined ? base : mergeMesh(mesh, { ...base, accessLogFile, defaultProviders });
}

/** Reads MeshConfig from parsed YAML; what is no mapping leaves `base` as it is. */
export const readMeshText = (value: unknown, base: MeshConfig): MeshConfig =>
  isMapping(value) ? mergeMesh(value as MeshText, base) : base;

function mergeMesh(given: MeshText, base: MeshConfig): MeshConfig {
  const mesh = canonicalMesh(given);
  const connectTimeoutMs = parseDurationMs(mesh.connectTimeout ?? '');
  const mode = mesh.outboundTrafficPolicy?.mode;
  return {
    ...base,
    ...pickOptions(mesh),
    trustDomain: mesh.trustDomain ?? base.trustDomain,
    rootNamespace: mesh.rootNamespace ?? base.rootNamespace,
    outboundTrafficPolicy: isOutboundMode(mode) ? mode : base.outboundTrafficPolicy,
    enableAutoMtls: mesh.enableAutoMtls ?? base.enableAutoMtls,
    accessLogFile: mesh.accessLogFile ?? base.accessLogFile,
    tracingSampling: samplingOf(mesh) ?? base.tracingSampling,
    connectTimeoutMs: connectTimeoutMs ?? base.connectTimeoutMs,
    trustDomainAliases: [...new Set(mesh.trustDomainAliases ?? base.trustDomainAliases)].sort(),
    pathNormalization: mesh.pathNormalization?.normalization ?? base.pathNormalization,
    accessLogEncoding: mesh.accessLogEncoding ?? base.accessLogEncoding,
    accessLogFormat: mesh.accessLogFormat ?? base.accessLogFormat,
    extensionProviders: mesh.extensionProviders ?? base.extensionProviders,
    defaultProviders: { ...base.defaultProviders, ...mesh.defaultProviders },
  };
}

/** Zero stands for none; more than all for one percent. Source: proxyConfigSamplingValue in istio pilot. */
function samplingOf({ defaultConfig }: MeshText): number | undefined {
  const sampling = defaultConfig?.tracing?.sampling;
  return sampling !== undefined && sampling > 100 ? 1 : sampling || undefined;
}

const isOutboundMode = (mode: string | undefined): mode is MeshConfig['outboundTrafficPolicy'] =>
  mode === 'ALLOW_ANY' || mode === 'REGISTRY_ONLY' || mode === 'ALLOW_ANY_DYNAMIC_DNS';

function parseMapping(text: string): MeshText | undefined {
  try {
    const value: unknown = parseKubernetesYaml(text);
    return isMapping(value) ? (value as MeshText) : undefined;
  } catch {
    // A ConfigMap that is being edited must not take the mesh down: the last good configuration, the base, stays in force.
    return undefined;
  }
}

const isMapping = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
