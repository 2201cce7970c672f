import type { RE2JS } from 're2js';
import { masked, maskPaths } from './field-mask.ts';
import { compileRe2, json, type Page, type PageContext } from './page.ts';

type Json = Readonly<Record<string, unknown>>;

const UPDATED = ['version_info', 'last_updated', 'error_state', 'client_status'];
const LISTENER = ['name', 'active_state', 'warming_state', 'draining_state', ...UPDATED];

/** Repeated fields of the parts of a config dump: the message that their elements are, and its fields. Source: envoy.admin.v3. */
const ELEMENTS: Readonly<Record<string, readonly [message: string, ...fields: string[]]>> = {
  static_clusters: ['ClustersConfigDump.StaticCluster', 'cluster', 'last_updated'],
  dynamic_active_clusters: ['ClustersConfigDump.DynamicCluster', 'cluster', ...UPDATED],
  dynamic_warming_clusters: ['ClustersConfigDump.DynamicCluster', 'cluster', ...UPDATED],
  static_listeners: ['ListenersConfigDump.StaticListener', 'listener', 'last_updated'],
  dynamic_listeners: ['ListenersConfigDump.DynamicListener', ...LISTENER],
  static_route_configs: ['RoutesConfigDump.StaticRouteConfig', 'route_config', 'last_updated'],
  dynamic_route_configs: ['RoutesConfigDump.DynamicRouteConfig', 'route_config', ...UPDATED],
  static_endpoint_configs: ['EndpointsConfigDump.StaticEndpointConfig', 'endpoint_config', 'last_updated'],
  dynamic_endpoint_configs: ['EndpointsConfigDump.DynamicEndpointConfig', 'endpoint_config', ...UPDATED],
  static_secrets: ['SecretsConfigDump.StaticSecret', 'name', 'last_updated', 'secret'],
  dynamic_active_secrets: ['SecretsConfigDump.DynamicSecret', 'name', 'secret', ...UPDATED],
  dynamic_warming_secrets: ['SecretsConfigDump.DynamicSecret', 'name', 'secret', ...UPDATED],
  ecds_filters: ['EcdsConfigDump.EcdsFilterConfig', 'ecds_filter', ...UPDATED],
};

/** Fields of each part; those of `version_info` carry it even when nothing was sent yet. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  BootstrapConfigDump: ['bootstrap', 'last_updated'],
  ClustersConfigDump: ['version_info', 'static_clusters', 'dynamic_active_clusters', 'dynamic_warming_clusters'],
  EcdsConfigDump: ['ecds_filters'],
  EndpointsConfigDump: ['static_endpoint_configs', 'dynamic_endpoint_configs'],
  ListenersConfigDump: ['version_info', 'static_listeners', 'dynamic_listeners'],
  RoutesConfigDump: ['static_route_configs', 'dynamic_route_configs'],
  ScopedRoutesConfigDump: ['inline_scoped_route_configs', 'dynamic_scoped_route_configs'],
  SecretsConfigDump: ['static_secrets', 'dynamic_active_secrets', 'dynamic_warming_secrets'],
};

const partOf = (config: Json): readonly string[] =>
  PARTS[String(config['@type']).replace('type.googleapis.com/envoy.admin.v3.', '')] ?? [];

const refused = (body: string, status = 400): Page => ({ status, type: 'text/plain', body });

/**
 * `/config_dump`: `?resource=` one repeated field, `?mask=` some fields, `?name_regex=` (RE2, of the whole name), `?include_eds`. Source:
 * source/server/admin/config_dump_handler.cc in Envoy.
 */
export function configDumpPage({ admin }: Pick<PageContext, 'admin'>, query: URLSearchParams): Page {
  const [resource, mask, nameRegex] = ['resource', 'mask', 'name_regex'].map((name) => query.get(name) || undefined);
  let pattern: RE2JS | undefined;
  if (nameRegex !== undefined) {
    const compiled = compileRe2(nameRegex);
    if ('reason' in compiled) {
      return refused(`INVALID_ARGUMENT: Error while parsing name_regex from ${nameRegex}: ${compiled.reason}`);
    }
    pattern = compiled.pattern;
  }
  const { configs } = admin.configDump() as { readonly configs: readonly Json[] };
  const shown = configs
    .filter((config) => query.has('include_eds') || !partOf(config).includes('dynamic_endpoint_configs'))
    .map((config) => (pattern === undefined ? config : matching(config, pattern)));
  if (resource !== undefined) return resourcePage(shown, resource, mask);
  return mask === undefined ? json({ configs: shown }) : maskPage(shown, mask);
}

/** A part of the dump with the elements whose whole name matches. */
function matching(config: Json, pattern: RE2JS): Json {
  const kept = Object.entries(config).map(([field, value]) => {
    if (ELEMENTS[field] === undefined || !Array.isArray(value)) return [field, value];
    return [field, value.filter((element: Json) => pattern.matches(nameOf(element)))];
  });
  return Object.fromEntries(kept.filter(([, value]) => !Array.isArray(value) || value.length > 0));
}

function nameOf(element: Json): string {
  const { name, cluster, route_config, endpoint_config, ecds_filter } = element;
  const inner = (cluster ?? route_config ?? endpoint_config ?? ecds_filter) as Json | undefined;
  return String(name ?? inner?.['name'] ?? inner?.['cluster_name'] ?? '');
}

function resourcePage(configs: readonly Json[], resource: string, mask: string | undefined): Page {
  const config = configs.find((each) => partOf(each).includes(resource));
  if (config === undefined) return refused(`${resource} not found in config dump`, 404);
  const element = ELEMENTS[resource];
  if (element === undefined) {
    return refused(`${resource} is not a repeated field. Use ?mask=${resource} to get only this field`);
  }
  const [message, ...fields] = element;
  const paths = mask === undefined ? undefined : maskPaths(mask);
  if (paths?.some((path) => !fields.includes(path.split('.')[0] ?? ''))) {
    const told = paths.map((path) => `paths: "${path}"\n`).join('');
    return refused(`FieldMask ${told} could not be successfully used.\n`);
  }
  const held = (config[resource] ?? []) as readonly Json[];
  const elements = held.map((each) => ({
    '@type': `type.googleapis.com/envoy.admin.v3.${message}`,
    ...(paths === undefined ? each : masked(each, paths)),
  }));
  return json(elements.length === 0 ? {} : { configs: elements });
}

/** Parts that have all the fields; a path never leads through a repeated one. */
function maskPage(configs: readonly Json[], mask: string): Page {
  const paths = maskPaths(mask);
  const fits = (config: Json): boolean =>
    paths.every((path) => {
      const [field = '', ...inner] = path.split('.');
      return partOf(config).includes(field) && (inner.length === 0 || field === 'bootstrap');
    });
  const shown = configs.filter(fits).map((config) => masked(config, paths));
  return shown.length > 0
    ? json({ configs: shown })
    : refused(`FieldMask ${mask} could not be successfully applied to any configs.`);
}
