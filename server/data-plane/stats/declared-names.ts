const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** What Envoy shows of every cluster from its start. Source: cluster_stats.rst in Envoy's documentation, and a running Envoy. */
export const CLUSTER_NAMES = words(`
  assignment_stale assignment_timeout_received assignment_use_cached bind_errors
  circuit_breakers.default.cx_open circuit_breakers.default.cx_pool_open circuit_breakers.default.rq_open
  circuit_breakers.default.rq_pending_open circuit_breakers.default.rq_retry_open circuit_breakers.high.cx_open
  circuit_breakers.high.cx_pool_open circuit_breakers.high.rq_open circuit_breakers.high.rq_pending_open
  circuit_breakers.high.rq_retry_open lb_healthy_panic lb_local_cluster_not_ok lb_recalculate_zone_structures
  lb_subsets_active lb_subsets_created lb_subsets_fallback lb_subsets_fallback_panic lb_subsets_removed
  lb_subsets_selected lb_zone_cluster_too_small lb_zone_no_capacity_left lb_zone_routing_all_directly
  lb_zone_routing_cross_zone lb_zone_routing_sampled max_host_weight membership_change membership_degraded
  membership_excluded membership_healthy membership_total original_dst_host_invalid retry_or_shadow_abandoned
  update_attempt update_empty update_failure update_no_rebuild update_success upstream_cx_active
  upstream_cx_close_notify upstream_cx_connect_attempts_exceeded upstream_cx_connect_fail upstream_cx_connect_timeout
  upstream_cx_destroy upstream_cx_destroy_local upstream_cx_destroy_local_with_active_rq upstream_cx_destroy_remote
  upstream_cx_destroy_remote_with_active_rq upstream_cx_destroy_with_active_rq upstream_cx_http1_total
  upstream_cx_http2_total upstream_cx_http3_total upstream_cx_idle_timeout upstream_cx_max_duration_reached
  upstream_cx_max_requests upstream_cx_none_healthy upstream_cx_overflow upstream_cx_pool_overflow
  upstream_cx_protocol_error upstream_cx_rx_bytes_buffered upstream_cx_rx_bytes_total upstream_cx_total
  upstream_cx_tx_bytes_buffered upstream_cx_tx_bytes_total upstream_flow_control_backed_up_total
  upstream_flow_control_drained_total upstream_flow_control_paused_reading_total
  upstream_flow_control_resumed_reading_total upstream_internal_redirect_failed_total
  upstream_internal_redirect_succeeded_total upstream_rq_active upstream_rq_active_overflow upstream_rq_cancelled
  upstream_rq_completed upstream_rq_maintenance_mode upstream_rq_max_duration_reached upstream_rq_pending_active
  upstream_rq_pending_failure_eject upstream_rq_pending_overflow upstream_rq_pending_total
  upstream_rq_per_try_idle_timeout upstream_rq_per_try_timeout upstream_rq_retry
  upstream_rq_retry_backoff_exponential upstream_rq_retry_backoff_ratelimited upstream_rq_retry_limit_exceeded
  upstream_rq_retry_overflow upstream_rq_retry_success upstream_rq_rx_reset upstream_rq_rx_reset_no_error upstream_rq_timeout
  upstream_rq_total upstream_rq_tx_reset
  upstream_cx_connect_with_0_rtt upstream_cx_preconnect_skipped upstream_http3_broken upstream_queue_overloaded
  upstream_rq_0rtt warming_state
`);

export const CLUSTER_HISTOGRAMS = words('upstream_cx_connect_ms upstream_cx_length_ms upstream_rq_per_cx');

/** With outlier detection. */
export const OUTLIER_NAMES = words(`
  ejections_active ejections_consecutive_5xx ejections_detected_consecutive_5xx
  ejections_detected_consecutive_gateway_failure ejections_detected_consecutive_local_origin_failure
  ejections_detected_failure_percentage ejections_detected_local_origin_failure_percentage
  ejections_detected_local_origin_success_rate ejections_detected_success_rate
  ejections_enforced_consecutive_5xx ejections_enforced_consecutive_gateway_failure
  ejections_enforced_consecutive_local_origin_failure ejections_enforced_failure_percentage
  ejections_enforced_local_origin_failure_percentage ejections_enforced_local_origin_success_rate
  ejections_enforced_success_rate ejections_enforced_total ejections_overflow ejections_success_rate
  ejections_total
  ejections_detected_degradation
`);

/** With active health checks. */
export const HEALTH_CHECK_NAMES = words(`
  attempt degraded failure healthy network_failure passive_failure success verify_cluster
`);

/** What Envoy shows of every HTTP connection manager from its start. */
export const HTTP_NAMES = words(`
  downstream_cx_active downstream_cx_delayed_close_timeout downstream_cx_destroy downstream_cx_destroy_active_rq
  downstream_cx_destroy_local downstream_cx_destroy_local_active_rq downstream_cx_destroy_remote
  downstream_cx_destroy_remote_active_rq downstream_cx_drain_close downstream_cx_http1_active downstream_cx_http1_total
  downstream_cx_http2_active downstream_cx_http2_total downstream_cx_http3_active downstream_cx_http3_total
  downstream_cx_idle_timeout downstream_cx_max_duration_reached downstream_cx_max_requests_reached
  downstream_cx_overload_disable_keepalive downstream_cx_protocol_error downstream_cx_rx_bytes_buffered
  downstream_cx_rx_bytes_total downstream_cx_ssl_active downstream_cx_ssl_total downstream_cx_total
  downstream_cx_tx_bytes_buffered downstream_cx_tx_bytes_total downstream_cx_upgrades_active
  downstream_cx_upgrades_total downstream_flow_control_paused_reading_total
  downstream_flow_control_resumed_reading_total downstream_rq_1xx downstream_rq_2xx downstream_rq_3xx
  downstream_rq_4xx downstream_rq_5xx downstream_rq_active downstream_rq_completed
  downstream_rq_failed_path_normalization downstream_rq_header_timeout downstream_rq_http1_total
  downstream_rq_http2_total downstream_rq_http3_total downstream_rq_idle_timeout downstream_rq_max_duration_reached
  downstream_rq_non_relative_path downstream_rq_redirected_with_normalized_path downstream_rq_rejected_via_ip_detection
  downstream_rq_response_before_rq_complete downstream_rq_rx_reset downstream_rq_timeout downstream_rq_too_large
  downstream_rq_too_many_premature_resets downstream_rq_total downstream_rq_tx_reset
  downstream_rq_ws_on_non_ws_route no_cluster no_route passthrough_internal_redirect_bad_location
  passthrough_internal_redirect_no_route passthrough_internal_redirect_predicate
  passthrough_internal_redirect_too_many_redirects passthrough_internal_redirect_unsafe_scheme rq_direct_response
  rq_redirect rq_reset_after_downstream_response_started rq_total rs_too_large tracing.client_enabled
  tracing.health_check tracing.not_traceable tracing.random_sampling tracing.service_forced
  downstream_cx_http1_soft_drain downstream_rq_overload_close rq_overload_local_reply
`);

export const HTTP_HISTOGRAMS = words('downstream_cx_length_ms downstream_rq_time');

/** What a listener counts of its connections. */
export const LISTENER_NAMES = words(`
  downstream_cx_active downstream_cx_destroy downstream_cx_overflow downstream_cx_total
  downstream_cx_transport_socket_connect_timeout downstream_global_cx_overflow downstream_listener_filter_error
  downstream_listener_filter_remote_close downstream_pre_cx_active downstream_pre_cx_timeout no_filter_chain_match
  downstream_cx_overload_reject extension_config_missing network_extension_config_missing
`);

export const LISTENER_HISTOGRAMS = words('connections_accepted_per_socket_event downstream_cx_length_ms');

/** Of requests, once more for each listener. */
export const LISTENER_HTTP_NAMES = words(`
  downstream_rq_1xx downstream_rq_2xx downstream_rq_3xx downstream_rq_4xx downstream_rq_5xx downstream_rq_completed
`);

/** With TLS, of listeners and of clusters. */
export const SSL_NAMES = words(`
  connection_error fail_verify_cert_hash fail_verify_error fail_verify_no_cert fail_verify_san handshake
  no_certificate ocsp_staple_failed ocsp_staple_omitted ocsp_staple_requests ocsp_staple_responses session_reused
`);

/** The context that a TLS listener or cluster is made with, behind `server_ssl_socket_factory.` or `client_ssl_socket_factory.` */
export const SSL_CONTEXT_NAMES = words(`
  downstream_context_secrets_not_ready ssl_context_update_by_sds upstream_context_secrets_not_ready
`);

/** What the first bytes of connections were, of all listeners together. */
export const TLS_INSPECTOR_NAMES = words(`
  alpn_found alpn_not_found client_hello_too_large sni_found sni_not_found tls_found tls_not_found
`);
export const HTTP_INSPECTOR_NAMES = words('http10_found http11_found http2_found http_not_found read_error');

export const TCP_NAMES = words(`
  downstream_cx_no_route downstream_cx_rx_bytes_buffered downstream_cx_rx_bytes_total downstream_cx_total
  downstream_cx_tx_bytes_buffered downstream_cx_tx_bytes_total downstream_flow_control_paused_reading_total
  downstream_flow_control_resumed_reading_total early_data_received_count_total idle_timeout
  max_downstream_connection_duration upstream_flush_active upstream_flush_total
  downstream_cx_drain_close downstream_cx_overload_close route_delayed_total
`);

/** Of HTTP/1 connections: of one cluster, or of all clients. */
export const HTTP1_NAMES = words(`
  dropped_headers_with_underscores metadata_not_supported_error requests_rejected_with_underscores_in_headers response_flood
`);

/** Of HTTP/2 connections: of one cluster, or of all clients. */
export const HTTP2_NAMES = words(`
  dropped_headers_with_underscores goaway_sent header_overflow headers_cb_no_stream inbound_empty_frames_flood
  inbound_priority_frames_flood inbound_window_update_frames_flood keepalive_timeout metadata_empty_frames
  outbound_control_flood outbound_control_frames_active outbound_flood outbound_frames_active pending_send_bytes
  requests_rejected_with_underscores_in_headers rx_messaging_error rx_reset stream_refused_errors streams_active
  trailers tx_flush_timeout tx_reset
  cookies_total_bytes_too_large deferred_stream_close header_list_size_too_large
`);

export const SERVER_NAMES = words(`
  cluster_manager.cluster_added cluster_manager.cluster_modified cluster_manager.cluster_removed
  cluster_manager.cluster_updated cluster_manager.cluster_updated_via_merge listener_manager.listener_added
  listener_manager.listener_create_failure listener_manager.listener_create_success
  listener_manager.listener_in_place_updated listener_manager.listener_modified listener_manager.listener_removed
  listener_manager.listener_stopped listener_manager.total_filter_chains_draining
  listener_manager.total_listeners_draining
  main_thread.watchdog_mega_miss main_thread.watchdog_miss runtime.admin_overrides_active
  runtime.deprecated_feature_seen_since_process_start runtime.deprecated_feature_use runtime.load_error
  runtime.override_dir_exists server.compilation_settings.fips_mode server.debug_assertion_failures
  server.dropped_stat_flushes server.dynamic_unknown_fields server.envoy_bug_failures server.envoy_notifications
  server.hot_restart_epoch server.main_thread.watchdog_mega_miss server.main_thread.watchdog_miss
  server.parent_connections server.total_connections server.static_unknown_fields server.wip_protos
  server.worker_0.watchdog_mega_miss server.worker_0.watchdog_miss workers.watchdog_mega_miss workers.watchdog_miss
  cluster_manager.update_merge_cancelled cluster_manager.update_out_of_merge_window runtime.load_success
  runtime.num_keys runtime.num_layers runtime.override_dir_not_exists listener_manager.workers_pinned
  server.seconds_until_first_ocsp_response_expiring control_plane.pending_requests control_plane.rate_limit_enforced
`);

/** Of HTTP filters, behind `http.<prefix>.<filter>.` */
export const FILTER_NAMES = {
  cors: words('origin_invalid origin_valid'),
  fault: words('aborts_injected active_faults delays_injected faults_overflow response_rl_injected'),
  jwt_authn: words(`
    allowed cors_preflight_bypassed denied jwks_fetch_failed jwks_fetch_success jwt_cache_hit jwt_cache_miss
  `),
  ext_authz: words(`
    denied disabled error failure_mode_allowed filter_state_name_collision ignored_dynamic_metadata invalid ok
    omitted_response_headers request_header_limits_reached response_header_limits_reached shadow_denied shadow_error
  `),
  rbac: words('allowed denied'),
  shadow_rbac: words('shadow_allowed shadow_denied'),
  local_ratelimit: words('enabled enforced ok rate_limited shadow_mode'),
} as const;

/** Of an authorizer of connections, behind `ext_authz.<prefix>.` */
export const CONNECTION_AUTHORIZER_NAMES = words(`
  active cx_closed denied disabled error failure_mode_allowed ok total
`);

/** Of load balancers that name their client, behind `proxy_proto.` */
export const PROXY_PROTOCOL_NAMES = words(`
  not_found_allowed not_found_disallowed versions.v1.disallowed versions.v1.error versions.v1.found
  versions.v2.disallowed versions.v2.error versions.v2.found
`);

/** Of spans, by the format in which they are sent. */
export const TRACING_NAMES = {
  zipkin: words('reports_dropped reports_sent spans_sent'),
  opentelemetry: words('spans_dropped spans_sent'),
} as const;

/** Under `tcp.<prefix>.tcpproxy_tunneling.`, where a TCP proxy asks for tunnels. Envoy's own router would move them; none asks for one here. */
export const TUNNELING_NAMES: readonly string[] = [
  'no_cluster',
  'no_route',
  'passthrough_internal_redirect_bad_location',
  'passthrough_internal_redirect_no_route',
  'passthrough_internal_redirect_predicate',
  'passthrough_internal_redirect_too_many_redirects',
  'passthrough_internal_redirect_unsafe_scheme',
  'rq_direct_response',
  'rq_overload_local_reply',
  'rq_redirect',
  'rq_reset_after_downstream_response_started',
  'rq_total',
];
