import { parseDurationMs } from '#domain';
import { durationOfMs } from './durations.ts';

/** What a proxy's environment (`ISTIO_META_…`) has istiod do for it. Source: NodeMetadata in istio/pkg/model/proxy.go. */
export interface ProxySettings {
  /** INTERCEPTION_MODE: how traffic comes to the proxy. With NONE applications and clients come by themselves, to ports that it binds. */
  readonly capture: 'REDIRECT' | 'TPROXY' | 'NONE';
  /** HTTP10: requests of HTTP/1.0 are served. */
  readonly acceptsHttp10: boolean;
  /** IDLE_TIMEOUT: how long connections may be idle; undefined: as long as Envoy lets them. */
  readonly idleTimeout: string | undefined;
}

export function readProxySettings(metadata: Readonly<Record<string, unknown>>): ProxySettings {
  const mode = metadata['INTERCEPTION_MODE'];
  const idle = metadata['IDLE_TIMEOUT'];
  const idleMs = typeof idle === 'string' ? parseDurationMs(idle) : undefined;
  return {
    capture: mode === 'NONE' || mode === 'TPROXY' ? mode : 'REDIRECT',
    acceptsHttp10: metadata['HTTP10'] === '1',
    idleTimeout: idleMs === undefined ? undefined : durationOfMs(idleMs),
  };
}
