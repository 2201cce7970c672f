import type { KubeObject } from '#domain';
import type { Listener, ProxyNode, TypedExtensionConfig } from '#xds';
import { secretFields } from '../../gateway-api/certificates.ts';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import {
  chainKind,
  type TrafficExtension,
  trafficExtensionsFor,
  type VmVariable,
  type WasmConfig,
} from '../../snapshot/traffic-extensions.ts';
import { patchesFor } from '../envoy-filter/patches.ts';
import type { ProxyView } from '../proxy-view.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters';

/**
 * The configurations that filters of this proxy may ask for by name (ECDS): those that EnvoyFilters add, and one for each Wasm
 * module. Source: BuildExtensionConfiguration in istio pilot.
 */
export function extensionConfigs(
  snapshot: MeshSnapshot,
  proxy: ProxyView,
  identity: ProxyNode['identity'],
): readonly TypedExtensionConfig[] {
  const { trafficExtensions, envoyFilters, mesh, credentials } = snapshot;
  if (proxy.role === 'grpc' || trafficExtensions.length + envoyFilters.length === 0) return [];
  const added = (patchesFor(snapshot, proxy).get('EXTENSION_CONFIG') ?? []).filter(
    ({ operation }) => operation === 'ADD',
  );
  const modules = trafficExtensionsFor(trafficExtensions, proxy, mesh.rootNamespace).flatMap((extension) => {
    const { wasm } = extension.spec;
    if (wasm === undefined) return [];
    // Only who proves that it is somebody is told a secret.
    const secrets = identity === undefined ? undefined : credentials.secrets;
    const type = `${TYPE}.${chainKind(extension)}.wasm.v3.Wasm`;
    const config = pluginConfig(extension, wasm, secrets);
    return [{ name: extension.filterName, typed_config: { '@type': type, config } }];
  });
  return [...added.map(({ value }) => value as TypedExtensionConfig), ...modules];
}

/** Those that filters of these listeners name: what a proxy subscribes to. */
export function askedFor(
  configs: readonly TypedExtensionConfig[],
  listeners: readonly Listener[],
): readonly TypedExtensionConfig[] {
  const names = new Set(listeners.flatMap((listener) => [...discoveredNames(listener)]));
  return configs.filter(({ name }) => names.has(name));
}

function* discoveredNames(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  const { name, config_discovery } = value as { readonly name?: unknown; readonly config_discovery?: unknown };
  if (typeof name === 'string' && config_discovery !== undefined) yield name;
  for (const child of Object.values(value)) yield* discoveredNames(child);
}

type Secrets = ReadonlyMap<string, KubeObject>;

const FAILURE_POLICIES = { FAIL_CLOSE: 'FAIL_CLOSED', FAIL_OPEN: 'FAIL_OPEN', FAIL_RELOAD: 'FAIL_RELOAD' } as const;

/** envoy.extensions.wasm.v3.PluginConfig. Source: buildWasmConfig in istio pilot. */
function pluginConfig(extension: TrafficExtension, wasm: WasmConfig, secrets: Secrets | undefined): object {
  const { pluginName = '', pluginConfig: given = {}, failStrategy = 'FAIL_CLOSE' } = wasm;
  const configuration =
    Object.keys(given).length === 0
      ? {}
      : { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: structText(given) };
  return {
    name: `${extension.namespace}.${extension.translatedName}`,
    ...(pluginName !== '' && { root_id: pluginName }),
    vm_config: {
      runtime: 'envoy.wasm.runtime.v8',
      code: codeOf(wasm),
      environment_variables: variablesOf(extension, wasm, secrets),
    },
    configuration,
    failure_policy: FAILURE_POLICIES[failStrategy],
  };
}

const SCHEME = /^([a-zA-Z][a-zA-Z0-9+.-]*):/;
const FILE = 'file://';

/** Where the module is: in a file beside the proxy, or somewhere that the agent fetches it from. */
function codeOf({ url = '', sha256 = '' }: WasmConfig): object {
  if (url.toLowerCase().startsWith(FILE)) {
    return { local: { filename: url.startsWith(FILE) ? url.slice(FILE.length) : url } };
  }
  const scheme = SCHEME.exec(url)?.[1];
  const uri = scheme === undefined ? `oci://${url}` : `${scheme.toLowerCase()}${url.slice(scheme.length)}`;
  // The agent fetches it, so there is no cluster.
  return { remote: { http_uri: { uri, cluster: '_', timeout: '30s' }, ...(sha256 !== '' && { sha256 }) } };
}

const SECRET = 'ISTIO_META_WASM_IMAGE_PULL_SECRET';
const POLICY = 'ISTIO_META_WASM_IMAGE_PULL_POLICY';
const VERSION = 'ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION';

/** What the agent is told, which keeps it from the module, and what the module is told. */
function variablesOf(extension: TrafficExtension, wasm: WasmConfig, secrets: Secrets | undefined): object {
  const { imagePullSecret = '', imagePullPolicy = 'UNSPECIFIED_POLICY', vmConfig = {} } = wasm;
  const { env = [] } = vmConfig;
  const isHost = ({ valueFrom }: VmVariable): boolean => valueFrom === 'HOST';
  const inline = env.filter((variable) => !isHost(variable)).map(({ name = '', value = '' }) => [name, value]);
  const host = env.filter(isHost).map(({ name = '' }) => name);
  const key_values = {
    ...(imagePullSecret !== '' && { [SECRET]: pullSecret(secrets?.get(secretKey(extension, imagePullSecret))) }),
    ...(imagePullPolicy !== 'UNSPECIFIED_POLICY' && { [POLICY]: imagePullPolicy }),
    [VERSION]: extension.resourceVersion,
    ...Object.fromEntries(inline),
  };
  return { key_values, ...(host.length > 0 && { host_env_keys: host }) };
}

/** A Secret of the extension's own namespace, whichever other its name says: `name`, `namespace/name`, `kubernetes://namespace/name`. */
function secretKey({ namespace }: TrafficExtension, given: string): string {
  const [first = '', second] = given.replace(/^kubernetes:\/\//, '').split('/');
  return `${namespace}/${second ?? first}`;
}

const DOCKER_CONFIG = 'kubernetes.io/dockerconfigjson';

/** The registry's credentials in a Secret; empty where there are none. Source: GetDockerCredential in istio pilot. */
function pullSecret(secret: KubeObject | undefined): string {
  if (secret === undefined || (secret as { readonly type?: string }).type !== DOCKER_CONFIG) return '';
  return secretFields(secret)['.dockerconfigjson'] ?? '';
}

/** A protobuf Struct as Istio writes it: keys in order, and without characters that mean something in HTML or JavaScript. */
const structText = (value: unknown): string =>
  JSON.stringify(sorted(value)).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, field]) => [key, sorted(field)]));
}
