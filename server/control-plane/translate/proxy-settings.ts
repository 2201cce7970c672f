import { parseDurationMs } from '#domain';
import { isTrue, type PilotFeatures } from '../snapshot/pilot-features.ts';
import { durationOfMs } from './durations.ts';

/** What a proxy's environment (`ISTIO_META_…`) has istiod do for it. Source: NodeMetadata in istio/pkg/model/proxy.go. */
export interface ProxySettings {
  /** INTERCEPTION_MODE: how traffic comes to the proxy. With NONE applications and clients come by themselves, to ports that it binds. */
  readonly capture: 'REDIRECT' | 'TPROXY' | 'NONE';
  /** HTTP10, or PILOT_HTTP10 of istiod: requests of HTTP/1.0 are served. */
  readonly acceptsHttp10: boolean;
  /** PILOT_HTTP10: listeners that look for HTTP take HTTP/1.0 for it, too. */
  readonly findsHttp10: boolean;
  /** IDLE_TIMEOUT: how long connections may be idle; undefined: as long as Envoy lets them. */
  readonly idleTimeout: string | undefined;
  /** UNPRIVILEGED_POD: it cannot bind ports below 1024. */
  readonly unprivileged: boolean;
  /** ENVOY_STATUS_PORT, ENVOY_PROMETHEUS_PORT: where its bootstrap has listeners. */
  readonly ownPorts: readonly number[];
}

export function readProxySettings(metadata: Readonly<Record<string, unknown>>, features: PilotFeatures): ProxySettings {
  const mode = metadata['INTERCEPTION_MODE'];
  const idleMs = parseDurationMs(textOf(metadata['IDLE_TIMEOUT']) ?? '');
  return {
    capture: mode === 'NONE' || mode === 'TPROXY' ? mode : 'REDIRECT',
    acceptsHttp10: features.acceptsHttp10 || metadata['HTTP10'] === '1',
    findsHttp10: features.acceptsHttp10,
    idleTimeout: idleMs === undefined ? undefined : durationOfMs(idleMs),
    unprivileged: isTrue(textOf(metadata['UNPRIVILEGED_POD'])),
    ownPorts: ['ENVOY_STATUS_PORT', 'ENVOY_PROMETHEUS_PORT'].map((name) => Number(metadata[name] ?? 0)),
  };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
