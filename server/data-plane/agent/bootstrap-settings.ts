/** A value of Envoy's runtime as it stands in a layer. */
export type RuntimeValue = string | boolean;

/** What Istio's agent sets in every proxy. Source: extractRuntimeFlags in istio pkg/bootstrap/config.go. */
const FLAGS: Readonly<Record<string, RuntimeValue>> = {
  're2.max_program_size.error_level': '32768',
  'envoy.deprecated_features:envoy.config.listener.v3.Listener.hidden_envoy_deprecated_use_original_dst': true,
  'envoy.reloadable_features.http_reject_path_with_fragment': false,
  'envoy.reloadable_features.fixed_heap_use_allocated': true,
  'envoy.reloadable_features.coalesce_lb_rebuilds_on_batch_update': false,
};

/** The layer `global config`: Istio's own flags with a proxy's `runtimeValues`, an empty one of which takes a flag away. */
export function runtimeFlags(own: Readonly<Record<string, string>> = {}): Readonly<Record<string, RuntimeValue>> {
  const flags: Record<string, RuntimeValue> = { ...FLAGS };
  for (const [name, value] of Object.entries(own)) {
    if (value === '') delete flags[name];
    else flags[name] = value === 'true' || value === 'false' ? value === 'true' : value;
  }
  return flags;
}

/** A part of names that becomes a label: the expression's first group is taken out of the name, its second is the value. */
export interface StatsTag {
  readonly tag_name: string;
  readonly regex: string;
}

/**
 * `stats_tags` of the bootstrap, those of a proxy's own among them. Source: tools/packaging/common/envoy_bootstrap.json in istio, which is
 * all that Envoy is told: it adds none of its own.
 */
export const statsTags = (extra: readonly string[] = []): readonly StatsTag[] => [
  ...tags(WHERE),
  ...extra.map((name) => ({ tag_name: name, regex: String.raw`(${name}=\.=(.*?);\.;)` })),
  ...tags(WHAT),
];

const tags = (table: Readonly<Record<string, string>>): StatsTag[] =>
  Object.entries(table).map(([tag_name, regex]) => ({ tag_name, regex }));

const WHERE = {
  cluster_name: String.raw`^cluster(\.(.+);)`,
  http_conn_manager_prefix: String.raw`^http\.(((?:[_.[:digit:]\w]*|[_\[\]aAbBcCdDeEfF[:digit:]\w\:]*));\.)`,
  thread_name: String.raw`^server(\.(.+))\.watchdog`,
  tcp_prefix: String.raw`^tcp\.((.*?)\.)\w+?$`,
  response_code: String.raw`_rq(_(\d{3}))$`,
  response_code_class: String.raw`_rq(_(\dxx))$`,
  http_conn_manager_listener_prefix: String.raw`^listener(?=\.).*?\.http\.(((?:[_.[:digit:]]*|[_\[\]aAbBcCdDeEfF[:digit:]]*))\.)`,
  listener_address: String.raw`^listener\.(((?:[_.[:digit:]]*|[_\[\]aAbBcCdDeEfF[:digit:]]*))\.)`,
  mongo_prefix: String.raw`^mongo\.(.+?)\.(collection|cmd|cx_|op_|delays_|decoding_)(.*?)$`,
};

const WHAT = {
  cache: String.raw`(cache\.(.+?)\.)`,
  component: String.raw`(component\.(.+?)\.)`,
  tag: String.raw`(tag\.(.+?);\.)`,
  wasm_filter: String.raw`(wasm_filter\.(.+?)\.)`,
  authz_enforce_result: String.raw`rbac(\.(allowed|denied))`,
  authz_dry_run_action: String.raw`(\.istio_dry_run_(allow|deny)_)`,
  authz_dry_run_result: String.raw`(\.shadow_(allowed|denied))`,
};
