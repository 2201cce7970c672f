import { extensionTypes, type Listener } from '#xds';

type ListenerFilter = NonNullable<Listener['listener_filters']>[number];

export const ORIGINAL_DST_FILTER: ListenerFilter = {
  name: 'envoy.filters.listener.original_dst',
  typed_config: { '@type': extensionTypes.originalDst },
};

export const TLS_INSPECTOR: ListenerFilter = {
  name: 'envoy.filters.listener.tls_inspector',
  typed_config: { '@type': extensionTypes.tlsInspector, initial_read_buffer_size: 512 },
};

export const HTTP_INSPECTOR: ListenerFilter = {
  name: 'envoy.filters.listener.http_inspector',
  typed_config: { '@type': extensionTypes.httpInspector },
};

/** What the HTTP inspector reports when it recognises plaintext HTTP. */
export const PLAINTEXT_HTTP = ['http/1.1', 'h2c'];

export const listenAddress = (address: string, port: number): NonNullable<Listener['address']> => ({
  socket_address: { address, port_value: port },
});
