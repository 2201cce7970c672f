import { type Any, extensionTypes, type FilterChain, type Listener } from '#xds';
import type { ProxyView } from '../proxy-view.ts';
import { isBlackHole } from './chain-draft.ts';
import { PLAINTEXT_HTTP } from './listener-filters.ts';

/** The mark of packets that capture lets pass. */
const ORIGINAL_SRC_FILTER = {
  name: 'envoy.filters.listener.original_src',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.listener.original_src.v3.OriginalSrc',
    mark: 1337,
  },
};

/** Gives listeners what the proxy's own settings ask for; the same listeners where they ask for nothing. */
export function settledListeners(listeners: readonly Listener[], proxy: ProxyView): readonly Listener[] {
  const { acceptsHttp10, idleTimeout, capture } = proxy.settings;
  // Only Istio's build runs where the kernel lets it take addresses that are not its own.
  const transparent = capture === 'TPROXY' && proxy.istioProxy;
  if (proxy.role === 'grpc' || !(acceptsHttp10 || idleTimeout !== undefined || transparent)) return listeners;
  return listeners.map((listener) => {
    const { filter_chains, default_filter_chain } = listener;
    return {
      ...listener,
      ...(filter_chains && { filter_chains: filter_chains.map((chain) => settledChain(chain, proxy)) }),
      ...(default_filter_chain && { default_filter_chain: settledChain(default_filter_chain, proxy) }),
      ...(transparent && transparency(listener)),
    };
  });
}

function transparency({ name, listener_filters = [] }: Listener): object {
  if (name === 'virtualOutbound') return { transparent: true };
  if (name !== 'virtualInbound') return {};
  const [first, ...rest] = listener_filters;
  return { transparent: true, listener_filters: [...(first ? [first] : []), ORIGINAL_SRC_FILTER, ...rest] };
}

const settledChain = (chain: FilterChain, proxy: ProxyView): FilterChain =>
  isBlackHole(chain)
    ? chain
    : {
        ...chain,
        ...(proxy.settings.findsHttp10 && findsHttp10(chain)),
        filters: chain.filters.map((filter) =>
          filter.typed_config === undefined
            ? filter
            : { ...filter, typed_config: settledFilter(filter.typed_config, proxy) },
        ),
      };

/** Names that the HTTP inspector gives: where those of HTTP are looked for, HTTP/1.0 is one. */
function findsHttp10({ filter_chain_match: match }: FilterChain): Partial<FilterChain> {
  const names = match?.application_protocols ?? [];
  if (names.length !== PLAINTEXT_HTTP.length || !names.every((name) => PLAINTEXT_HTTP.includes(name))) return {};
  return { filter_chain_match: { ...match, application_protocols: ['http/1.0', ...names] } };
}

/** A DestinationRule's idle timeout comes before the proxy's own. */
function settledFilter(config: Any, { settings: { acceptsHttp10, idleTimeout } }: ProxyView): Any {
  const isIdle = idleTimeout !== undefined;
  if (config['@type'] === extensionTypes.tcpProxy) {
    return isIdle && config['idle_timeout'] === undefined ? { ...config, idle_timeout: idleTimeout } : config;
  }
  if (config['@type'] !== extensionTypes.httpConnectionManager) return config;
  const held = config['http_protocol_options'] as object | undefined;
  return {
    ...config,
    ...(acceptsHttp10 && { http_protocol_options: { ...held, accept_http_10: true } }),
    ...(isIdle && { common_http_protocol_options: { idle_timeout: idleTimeout } }),
  };
}
