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
