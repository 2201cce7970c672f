import type { Listener } from '#xds';
import { type FieldChoice, readFieldChoice } from './header-fields.ts';
import { ConfigProblem } from './problem.ts';

export const PROXY_PROTOCOL = 'envoy.filters.listener.proxy_protocol';
export const TLS_INSPECTOR = 'envoy.filters.listener.tls_inspector';
export const HTTP_INSPECTOR = 'envoy.filters.listener.http_inspector';

/** How a listener takes the headers of load balancers. */
export interface ProxyProtocolRules {
  /** Connections without a header are taken as they are. */
  readonly optional: boolean;
  readonly disallowed: ReadonlySet<1 | 2>;
  /** Further fields that hosts may be told. */
  readonly passes: FieldChoice;
  /** The inspectors that stand before it: they see the header, and nothing of what follows it. */
  readonly blinds: { readonly tls: boolean; readonly http: boolean };
  /** Empty, or ends in a dot. */
  readonly statPrefix: string;
}

/** Reads envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol; undefined where the listener has none. */
export function readProxyProtocol({ listener_filters = [] }: Listener): ProxyProtocolRules | undefined {
  const at = listener_filters.findIndex(({ name }) => name === PROXY_PROTOCOL);
  if (at < 0) return undefined;
  const config = (listener_filters[at]?.typed_config ?? {}) as Readonly<Record<string, unknown>>;
  const field = `listener_filters[${at}]`;
  const before = listener_filters.slice(0, at).map(({ name }) => name);
  if (((config['rules'] ?? []) as unknown[]).length > 0) throw new ConfigProblem(`${field}.rules`, 'is not supported');
  const versions = (config['disallowed_versions'] ?? []) as string[];
  const prefix = String(config['stat_prefix'] ?? '');
  return {
    optional: config['allow_requests_without_proxy_protocol'] === true,
    disallowed: new Set(versions.map((version) => (version === 'V2' ? 2 : 1))),
    passes: readFieldChoice(config['pass_through_tlvs']),
    blinds: { tls: before.includes(TLS_INSPECTOR), http: before.includes(HTTP_INSPECTOR) },
    statPrefix: prefix === '' ? '' : `${prefix}.`,
  };
}
