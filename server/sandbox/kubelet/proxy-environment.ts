import { parse } from 'yaml';
import { readMeshConfig } from '#control-plane';
import type { CertificateSettings } from '#data-plane';
import { parseDurationMs } from '#domain';
import type { KubeStore } from '#kube-api';
import type { PodObject } from '../kube-types.ts';
import { rootNamespace } from '../mesh/system.ts';

const CONFIG_ANNOTATION = 'proxy.istio.io/config';

interface ProxyConfig {
  readonly proxyMetadata?: Readonly<Record<string, unknown>>;
}

/**
 * Settings of Istio's agent (istio/pilot/cmd/pilot-agent/options). They are environment variables: of the whole mesh
 * (`defaultConfig.proxyMetadata`), of the pod's annotation, and of the container, the last winning. What cannot be read is left out.
 */
export function certificateSettings(
  store: KubeStore,
  pod: PodObject,
  containerEnv: Readonly<Record<string, string>>,
): CertificateSettings {
  const { defaultConfig } = readMeshConfig(store.get('ConfigMap', { namespace: rootNamespace, name: 'istio' }));
  const own = readConfig(pod.metadata.annotations?.[CONFIG_ANNOTATION]);
  const env: Readonly<Record<string, unknown>> = {
    ...(defaultConfig as ProxyConfig | undefined)?.proxyMetadata,
    ...own.proxyMetadata,
    ...containerEnv,
  };
  const ttlMs = parseDurationMs(String(env['SECRET_TTL'] ?? ''));
  const gracePeriodRatio = share(env['SECRET_GRACE_PERIOD_RATIO']);
  const gracePeriodJitter = share(env['SECRET_GRACE_PERIOD_RATIO_JITTER']);
  return { ttlMs, gracePeriodRatio, gracePeriodJitter };
}

function readConfig(text: string | undefined): ProxyConfig {
  if (text === undefined) return {};
  try {
    const value: unknown = parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // Validation told whoever wrote it; the pod starts with the defaults.
    return {};
  }
}

function share(value: unknown): number | undefined {
  const number = Number.parseFloat(String(value ?? ''));
  return number >= 0 && number <= 1 ? number : undefined;
}
