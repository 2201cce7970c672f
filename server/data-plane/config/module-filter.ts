import type { Origin } from '#domain';
import type { Any } from '#xds';

/** An extension whose code this proxy does not run, and what becomes of requests instead. */
export interface ModuleFilterConfig {
  readonly name: string;
  readonly code: 'Wasm modules' | 'Lua code';
  readonly passes: boolean;
  /** The object that declares it. */
  readonly origin: Origin;
}

const NAME = /^extensions\.istio\.io\/trafficextension\/([^.]+)\.(.+?)(~istio-translated-wasmplugin)?$/;

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.';

/**
 * Reads the filter of a TrafficExtension or WasmPlugin: Lua code, or the rules that stand in for a Wasm module that nobody fetched.
 * Undefined for every other filter.
 */
export function readModuleFilter(name: string, config: Any): ModuleFilterConfig | undefined {
  const [, namespace, object, mark] = NAME.exec(name) ?? [];
  if (namespace === undefined || object === undefined) return undefined;
  const origin = {
    kind: mark === undefined ? 'TrafficExtension' : 'WasmPlugin',
    namespace,
    name: object,
    path: 'spec',
  };
  if (config['@type'] === `${TYPE}lua.v3.Lua`) return { name, code: 'Lua code', passes: true, origin };
  if (config['@type'] !== `${TYPE}rbac.v3.RBAC`) return undefined;
  return { name, code: 'Wasm modules', passes: config['rules'] === undefined, origin };
}
