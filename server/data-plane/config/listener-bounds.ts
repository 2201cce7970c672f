import { atLeast, filled, headKb, inside, notNegative, oneLine, type Rule, rule, upTo } from './bounds.ts';

const MANY = 2_147_483_647;
const windowSize = inside(65_535, MANY);

/** Rules of Envoy's API for listeners. */
export const LISTENER_RULES: readonly Rule[] = [
  rule('address/socket_address/port_value', upTo(65_535)),
  rule('filter_chains/filter_chain_match/destination_port', inside(1, 65_535)),
  rule('filter_chains/filter_chain_match/source_ports', inside(1, 65_535)),
  rule('filter_chains/filters/name', filled),
  rule('listener_filters/name', filled),
  rule('listener_filters_timeout', notNegative),
];

/** Rules of Envoy's API for HTTP connection managers. */
export const MANAGER_RULES: readonly Rule[] = [
  rule('stat_prefix', filled),
  rule('http_filters/name', filled),
  rule('server_name', oneLine),
  rule('max_request_headers_kb', headKb),
  rule('common_http_protocol_options/max_headers_count', atLeast(1)),
  rule('http2_protocol_options/max_concurrent_streams', inside(1, MANY)),
  rule('http2_protocol_options/initial_stream_window_size', windowSize),
  rule('http2_protocol_options/initial_connection_window_size', windowSize),
];
