import type { Any, Duration, FractionalPercent, Metadata, StringMatcher } from './resources.ts';

// envoy/config/route/v3, in the JSON that `resources.ts` describes.

export interface RouteConfiguration extends HeaderMutations {
  most_specific_header_mutations_wins?: boolean;
  name: string;
  virtual_hosts?: VirtualHost[];
  validate_clusters?: boolean;
  max_direct_response_body_size_bytes?: number;
  ignore_port_in_host_matching?: boolean;
  internal_only_headers?: readonly string[];
  ignore_path_parameters_in_path_matching?: boolean;
  request_mirror_policies?: RequestMirrorPolicy[];
  vhds?: object;
  vhost_header?: string;
  cluster_specifier_plugins?: { is_optional?: boolean }[];
  typed_per_filter_config?: Record<string, Any>;
}

export interface VirtualHost extends HeaderMutations {
  /** Of routes that have none of their own. */
  retry_policy?: RetryPolicy;
  include_attempt_count_in_response?: boolean;
  name: string;
  domains: string[];
  routes?: Route[];
  /** xds.type.matcher.v3.Matcher, in place of routes. */
  matcher?: Record<string, unknown>;
  request_mirror_policies?: RequestMirrorPolicy[];
  per_request_buffer_limit_bytes?: number;
  request_body_buffer_limit?: string | number;
  include_request_attempt_count?: boolean;
  require_tls?: 'NONE' | 'EXTERNAL_ONLY' | 'ALL';
  rate_limits?: Record<string, unknown>[];
  typed_per_filter_config?: Record<string, Any>;
  metadata?: Metadata;
  virtual_clusters?: { name: string; headers?: HeaderMatcher[] }[];
}

export interface RouteMatch {
  prefix?: string;
  path?: string;
  safe_regex?: { regex: string };
  path_separated_prefix?: string;
  case_sensitive?: boolean;
  headers?: HeaderMatcher[];
  query_parameters?: { name: string; string_match?: StringMatcher; present_match?: boolean }[];
  dynamic_metadata?: Record<string, unknown>[];
  grpc?: object;
  connect_matcher?: object;
  /** UriTemplateMatchConfig. */
  path_match_policy?: { name?: string; typed_config?: Any };
  cookies?: { name: string; string_match?: StringMatcher; invert_match?: boolean }[];
  tls_context?: { presented?: boolean; validated?: boolean };
  filter_state?: Record<string, unknown>[];
  runtime_fraction?: { default_value?: FractionalPercent };
}

export interface HeaderMatcher {
  name: string;
  string_match?: StringMatcher;
  /** Deprecated for string_match. */
  exact_match?: string;
  prefix_match?: string;
  suffix_match?: string;
  contains_match?: string;
  safe_regex_match?: { regex: string };
  range_match?: { start?: string | number; end?: string | number };
  present_match?: boolean;
  invert_match?: boolean;
  treat_missing_header_as_empty?: boolean;
}

export interface HeaderValueOption {
  header: { key: string; value?: string };
  keep_empty_value?: boolean;
  append_action?: 'APPEND_IF_EXISTS_OR_ADD' | 'ADD_IF_ABSENT' | 'OVERWRITE_IF_EXISTS_OR_ADD' | 'OVERWRITE_IF_EXISTS';
}

export interface HeaderMutations {
  request_headers_to_add?: HeaderValueOption[];
  request_headers_to_remove?: string[];
  response_headers_to_add?: HeaderValueOption[];
  response_headers_to_remove?: string[];
}

export interface Route extends HeaderMutations {
  name?: string;
  stat_prefix?: string;
  match: RouteMatch;
  route?: RouteAction;
  redirect?: {
    host_redirect?: string;
    port_redirect?: number;
    path_redirect?: string;
    prefix_rewrite?: string;
    regex_rewrite?: RegexRewrite;
    strip_query?: boolean;
    scheme_redirect?: string;
    https_redirect?: boolean;
    response_code?: 'MOVED_PERMANENTLY' | 'FOUND' | 'SEE_OTHER' | 'TEMPORARY_REDIRECT' | 'PERMANENT_REDIRECT';
  };
  direct_response?: {
    status: number;
    body?: { inline_string?: string; inline_bytes?: string };
    body_format?: {
      text_format_source?: { inline_string?: string };
      json_format?: Record<string, unknown>;
      content_type?: string;
    };
  };
  per_request_buffer_limit_bytes?: number;
  request_body_buffer_limit?: string | number;
  non_forwarding_action?: object;
  filter_action?: object;
  metadata?: Metadata;
  decorator?: { operation: string; propagate?: boolean };
  typed_per_filter_config?: Record<string, Any>;
}

export interface RegexRewrite {
  pattern: { regex: string };
  substitution: string;
}

export interface RouteAction {
  priority?: 'DEFAULT' | 'HIGH';
  cluster?: string;
  cluster_header?: string;
  cluster_specifier_plugin?: string;
  inline_cluster_specifier_plugin?: { extension?: { name?: string } };
  weighted_clusters?: {
    clusters: WeightedCluster[];
    total_weight?: number;
    header_name?: string;
    use_hash_policy?: boolean;
    runtime_key_prefix?: string;
  };
  cluster_not_found_response_code?: string;
  metadata_match?: Metadata;
  timeout?: Duration;
  max_grpc_timeout?: Duration;
  grpc_timeout_offset?: Duration;
  retry_policy?: RetryPolicy;
  prefix_rewrite?: string;
  regex_rewrite?: RegexRewrite;
  /** UriTemplateRewriteConfig. */
  path_rewrite_policy?: { name?: string; typed_config?: Any };
  /** Formats. */
  path_rewrite?: string;
  host_rewrite?: string;
  host_rewrite_literal?: string;
  host_rewrite_header?: string;
  host_rewrite_path_regex?: RegexRewrite;
  auto_host_rewrite?: boolean;
  append_x_forwarded_host?: boolean;
  hash_policy?: Record<string, unknown>[];
  rate_limits?: Record<string, unknown>[];
  include_vh_rate_limits?: boolean;
  idle_timeout?: Duration;
  max_stream_duration?: {
    max_stream_duration?: Duration;
    grpc_timeout_header_max?: Duration;
    grpc_timeout_header_offset?: Duration;
  };
  upgrade_configs?: { upgrade_type: string; enabled?: boolean; connect_config?: Record<string, unknown> }[];
  internal_redirect_policy?: InternalRedirectPolicy;
  request_mirror_policies?: RequestMirrorPolicy[];
  cors?: Record<string, unknown>;
}

export interface RequestMirrorPolicy {
  cluster?: string;
  cluster_header?: string;
  runtime_fraction?: { default_value: FractionalPercent };
  disable_shadow_host_suffix_append?: boolean;
  trace_sampled?: boolean;
  request_headers_mutations?: HeaderMutation[];
  host_rewrite_literal?: string;
}

/** envoy.config.common.mutation_rules.v3.HeaderMutation. */
export interface HeaderMutation {
  remove?: string;
  append?: HeaderValueOption;
  remove_on_match?: { key_matcher?: StringMatcher };
}

export interface InternalRedirectPolicy {
  max_internal_redirects?: number;
  redirect_response_codes?: number[];
  predicates?: { name?: string; typed_config?: Any }[];
  allow_cross_scheme_redirect?: boolean;
  response_headers_to_copy?: string[];
}

export interface WeightedCluster extends HeaderMutations {
  name: string;
  cluster_header?: string;
  weight: number;
  metadata_match?: Metadata;
  host_rewrite_literal?: string;
  typed_per_filter_config?: Record<string, Any>;
}

export interface RetryPolicy {
  retry_on?: string;
  num_retries?: number;
  per_try_timeout?: Duration;
  retriable_status_codes?: number[];
  host_selection_retry_max_attempts?: string | number;
  retry_host_predicate?: { name: string; typed_config?: Any }[];
  retry_priority?: { name: string; typed_config?: Any };
  retry_back_off?: { base_interval: Duration; max_interval?: Duration };
  per_try_idle_timeout?: Duration;
  retriable_headers?: HeaderMatcher[];
  retriable_request_headers?: HeaderMatcher[];
  rate_limited_retry_back_off?: { reset_headers?: { name: string; format?: string }[]; max_interval?: Duration };
}
