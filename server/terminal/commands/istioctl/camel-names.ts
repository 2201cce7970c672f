/** Fields whose keys are names that somebody gave: they stay, what stands behind them does not. */
const MAPS = new Set([
  ...['policies', 'providers', 'requirement_map', 'filter_state_rules', 'fields', 'labels'],
  ...['typed_per_filter_config', 'typed_extension_protocol_options', 'typed_filter_metadata'],
]);

/** Fields that hold free JSON: nothing in them is renamed. */
const FREE = new Set(['filter_metadata', 'json_format', 'value']);

const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Names of fields as protobuf's JSON spells them (`lbPolicy`), which istioctl prints; Envoy's own dump keeps `lb_policy`. */
export function camelNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (FREE.has(name) && typeof inner === 'object') return [camel(name), inner];
      return [camel(name), MAPS.has(name) ? keptKeys(inner) : camelNames(inner)];
    }),
  );
}

const keptKeys = (map: unknown): unknown =>
  typeof map !== 'object' || map === null || Array.isArray(map)
    ? camelNames(map)
    : Object.fromEntries(Object.entries(map).map(([key, inner]) => [key, camelNames(inner)]));
