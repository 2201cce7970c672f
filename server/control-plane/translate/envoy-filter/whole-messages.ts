import type { Cluster, FilterChain, Listener, RouteConfiguration, VirtualHost } from '#xds';

// What a patch writes may leave anything out, as protobuf does: these fill in what every generated message has.

export const wholeCluster = (cluster: Partial<Cluster>): Cluster => ({ name: '', ...cluster });

export const wholeChain = (chain: Partial<FilterChain>): FilterChain => ({ ...chain, filters: chain.filters ?? [] });

export const wholeListener = (listener: Partial<Listener>): Listener => ({
  name: '',
  ...listener,
  ...(listener.filter_chains && { filter_chains: listener.filter_chains.map(wholeChain) }),
  ...(listener.default_filter_chain && { default_filter_chain: wholeChain(listener.default_filter_chain) }),
});

export const wholeHost = (host: Partial<VirtualHost>): VirtualHost => ({ name: '', domains: [], ...host });

export const wholeTable = (table: RouteConfiguration): RouteConfiguration => ({
  ...table,
  ...(table.virtual_hosts && { virtual_hosts: table.virtual_hosts.map(wholeHost) }),
});
