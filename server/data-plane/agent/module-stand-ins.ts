import type { Any, TypedExtensionConfig, XdsUpdate } from '#xds';
import { typeUrls } from '#xds';

const TYPE = 'type.googleapis.com/envoy.extensions.filters';

interface WasmFilter extends Any {
  readonly config?: {
    readonly failure_policy?: string;
    readonly fail_open?: boolean;
    readonly vm_config?: { readonly code?: { readonly remote?: { readonly http_uri?: { readonly uri?: string } } } };
  };
}

/**
 * What Istio's agent does with configurations of Wasm modules on their way to the proxy: it fetches the module. None is fetched here, so
 * rules take its place as after a failed download: they let everything pass (FAIL_OPEN) or nothing. Unlike Istio's, modules in files
 * beside the proxy are treated alike, because no proxy here runs any. Source: pkg/wasm/convert.go in istio.
 */
export function withoutModules(update: XdsUpdate, onLog: (line: string) => void): XdsUpdate {
  if (update.typeUrl !== typeUrls.extension) return update;
  const upserted = update.upserted.map((item) => {
    const given = item.resource as TypedExtensionConfig;
    const resource = withoutModule(given, onLog);
    return resource === given ? item : { ...item, resource };
  });
  return { ...update, upserted };
}

/** The same for one configuration; one that names no module comes back as it is. */
export function withoutModule(resource: TypedExtensionConfig, onLog: (line: string) => void): TypedExtensionConfig {
  const typed_config = standInFor(resource.typed_config as WasmFilter, (uri, rules) =>
    onLog(
      `error in converting the wasm config to local: cannot fetch Wasm module ${uri}: no module is fetched here. applying ${rules} RBAC filter`,
    ),
  );
  return typed_config === undefined ? resource : { name: resource.name, typed_config };
}

/** Undefined for a configuration of anything else. */
function standInFor(wasm: WasmFilter, onReplaced: (uri: string, rules: 'allow' | 'deny') => void): Any | undefined {
  const kind = wasm?.['@type'] === `${TYPE}.http.wasm.v3.Wasm` ? 'http' : 'network';
  if (wasm?.['@type'] !== `${TYPE}.${kind}.wasm.v3.Wasm`) return undefined;
  const { failure_policy = 'UNSPECIFIED', fail_open = false, vm_config } = wasm.config ?? {};
  const opens = failure_policy === 'UNSPECIFIED' ? fail_open : failure_policy === 'FAIL_OPEN';
  const rules = opens ? 'allow' : 'deny';
  onReplaced(vm_config?.code?.remote?.http_uri?.uri ?? '', rules);
  const prefix = { [kind === 'http' ? 'rules_stat_prefix' : 'stat_prefix']: `wasm-default-${rules}` };
  return { '@type': `${TYPE}.${kind}.rbac.v3.RBAC`, ...(opens ? {} : { rules: {} }), ...prefix };
}
