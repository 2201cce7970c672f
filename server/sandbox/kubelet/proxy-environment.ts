import type { AppMetrics, CertificateSettings } from '#data-plane';
import { parseDurationMs } from '#domain';
import type { KubeStore } from '#kube-api';
import type { PodObject } from '../kube-types.ts';
import { settingsOfPod } from '../mesh/proxy-config.ts';

/**
 * Settings of Istio's agent (istio/pilot/cmd/pilot-agent/options). They are environment variables: `proxyMetadata` of
 * the proxy's settings, and of the container, the last winning. What cannot be read is left out.
 */
export function certificateSettings(
  store: KubeStore,
  pod: PodObject,
  containerEnv: Readonly<Record<string, string>>,
): CertificateSettings {
  const { proxyMetadata } = settingsOfPod(store, pod);
  const env: Readonly<Record<string, unknown>> = { ...proxyMetadata, ...containerEnv };
  const ttlMs = parseDurationMs(String(env['SECRET_TTL'] ?? ''));
  const gracePeriodRatio = share(env['SECRET_GRACE_PERIOD_RATIO']);
  const gracePeriodJitter = share(env['SECRET_GRACE_PERIOD_RATIO_JITTER']);
  return { ttlMs, gracePeriodRatio, gracePeriodJitter };
}

const DEFAULT_DRAIN_MS = 5000;

/**
 * How long a proxy that is told to end serves on, at most: `terminationDrainDuration`, or without limit where it ends with its last connection
 * (EXIT_ON_ZERO_ACTIVE_CONNECTIONS).
 */
export function terminationDrainMs(
  store: KubeStore,
  pod: PodObject,
  containerEnv: Readonly<Record<string, string>>,
): number {
  const settings = settingsOfPod(store, pod);
  const waits =
    containerEnv['EXIT_ON_ZERO_ACTIVE_CONNECTIONS'] ?? settings.proxyMetadata?.['EXIT_ON_ZERO_ACTIVE_CONNECTIONS'];
  if (String(waits) === 'true') return Number.POSITIVE_INFINITY;
  return parseDurationMs(String(settings['terminationDrainDuration'] ?? '')) ?? DEFAULT_DRAIN_MS;
}

/** A number as Go reads it; what lies outside of 0 to 1 is brought there when a renewal is planned. */
function share(value: unknown): number | undefined {
  const text = String(value ?? '').trim();
  const number = Number(text);
  return text === '' || !Number.isFinite(number) ? undefined : number;
}

/**
 * Where the agent finds the application's metrics, as injection wrote it down from the pod's prometheus.io annotations: /metrics on
 * port 80 unless told. Undefined when nothing is to be scraped.
 */
export function appMetrics(containerEnv: Readonly<Record<string, string>>): AppMetrics | undefined {
  const text = containerEnv['ISTIO_PROMETHEUS_ANNOTATIONS'];
  if (text === undefined) return undefined;
  const { scrape, path, port } = JSON.parse(text) as Readonly<Record<'scrape' | 'path' | 'port', string | undefined>>;
  const number = Number(port || '80');
  if (scrape === 'false' || !Number.isInteger(number) || number < 1 || number > 65_535) return undefined;
  return { port: number, path: path || '/metrics' };
}
