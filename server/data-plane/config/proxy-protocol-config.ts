import type { Listener } from '#xds';
import { type FieldChoice, readFieldChoice } from './header-fields.ts';
import { ConfigProblem } from './problem.ts';

export const PROXY_PROTOCOL = 'envoy.filters.listener.proxy_protocol';

/** How a listener takes the headers of load balancers. */
export interface ProxyProtocolRules {
  /** Connections without a header are taken as they are. */
  readonly optional: boolean;
  readonly disallowed: ReadonlySet<1 | 2>;
  /** Further fields that hosts may be told. */
  readonly passes: FieldChoice;
  /** Empty, or ends in a dot. */
  readonly statPrefix: string;
}

/** Reads envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol; undefined where the listener has none. */
export function readProxyProtocol({ listener_filters = [] }: Listener): ProxyProtocolRules | undefined {
  const at = listener_filters.findIndex(({ name }) => name === PROXY_PROTOCOL);
  if (at < 0) return undefined;
  const config = (listener_filters[at]?.typed_config ?? {}) as Readonly<Record<string, unknown>>;
  const field = `listener_filters[${at}]`;
  if (at > 0) throw new ConfigProblem(field, `${PROXY_PROTOCOL} must stand before other listener filters`);
  if (((config['rules'] ?? []) as unknown[]).length > 0) throw new ConfigProblem(`${field}.rules`, 'is not supported');
  const versions = (config['disallowed_versions'] ?? []) as string[];
  const prefix = String(config['stat_prefix'] ?? '');
  return {
    optional: config['allow_requests_without_proxy_protocol'] === true,
    disallowed: new Set(versions.map((version) => (version === 'V2' ? 2 : 1))),
    passes: readFieldChoice(config['pass_through_tlvs']),
    statPrefix: prefix === '' ? '' : `${prefix}.`,
  };
}
