/** Figures of HTTP/2 connections by the names that Envoy has for them, behind `http2.`. */
export type Http2Figure =
  | 'goaway_sent'
  | 'header_list_size_too_large'
  | 'header_overflow'
  | 'inbound_empty_frames_flood'
  | 'inbound_priority_frames_flood'
  | 'inbound_window_update_frames_flood'
  | 'keepalive_timeout'
  | 'outbound_control_flood'
  | 'rx_messaging_error'
  | 'rx_reset'
  | 'trailers'
  | 'tx_flush_timeout'
  | 'tx_reset';

/** Counts what happens on connections of one side. */
export interface Http2Counter {
  count(figure: Http2Figure): void;
  /** Streams that are open now go up or down by one. */
  streams(by: 1 | -1): void;
}
