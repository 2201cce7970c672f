import type { CertificateSettings } from '#data-plane';
import { parseDurationMs } from '#domain';
import type { KubeStore } from '#kube-api';
import type { PodObject } from '../kube-types.ts';
import { effectiveProxySettings } from '../mesh/proxy-config.ts';

/**
 * Settings of Istio's agent (istio/pilot/cmd/pilot-agent/options). They are environment variables: `proxyMetadata` of
 * the proxy's settings, and of the container, the last winning. What cannot be read is left out.
 */
export function certificateSettings(
  store: KubeStore,
  pod: PodObject,
  containerEnv: Readonly<Record<string, string>>,
): CertificateSettings {
  const { namespace = '', labels = {}, annotations = {} } = pod.metadata;
  const { proxyMetadata } = effectiveProxySettings(store, { namespace, labels, annotations });
  const env: Readonly<Record<string, unknown>> = { ...proxyMetadata, ...containerEnv };
  const ttlMs = parseDurationMs(String(env['SECRET_TTL'] ?? ''));
  const gracePeriodRatio = share(env['SECRET_GRACE_PERIOD_RATIO']);
  const gracePeriodJitter = share(env['SECRET_GRACE_PERIOD_RATIO_JITTER']);
  return { ttlMs, gracePeriodRatio, gracePeriodJitter };
}

function share(value: unknown): number | undefined {
  const number = Number.parseFloat(String(value ?? ''));
  return number >= 0 && number <= 1 ? number : undefined;
}
