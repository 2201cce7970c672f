import { parseKubernetesYaml } from '../../manifests/kubernetes-yaml.ts';
import { Field } from '../../rules/field.ts';

/** What analyzers read of the mesh configuration. */
export interface MeshSettings {
  readonly rootNamespace: string;
  /** `defaultConfig.image.imageType`; empty when not set. */
  readonly proxyImageType: string;
  readonly proxyMetadata: Readonly<Record<string, string>>;
  /** Providers that log when a Telemetry names none. */
  readonly accessLogProviders: readonly string[];
  /** Names of providers of the removed kind Lightstep. */
  readonly lightstepProviders: readonly string[];
}

export const DEFAULT_MESH_SETTINGS: MeshSettings = {
  rootNamespace: 'istio-system',
  proxyImageType: '',
  proxyMetadata: {},
  accessLogProviders: [],
  lightstepProviders: [],
};

/** One endpoint of a network that is taken from a registry. */
export interface RegistryEndpoint {
  readonly network: string;
  readonly registry: string;
}

function readYaml(text: string): Field {
  const value: unknown = parseKubernetesYaml(text);
  return new Field(value, '');
}

/** MeshConfig as YAML, over Istio's defaults. Throws YAMLParseError for text that is no YAML. */
export function readMeshSettings(text: string): MeshSettings {
  const mesh = readYaml(text);
  const proxy = mesh.get('defaultConfig');
  const providers = mesh.get('extensionProviders').items;
  return {
    rootNamespace: mesh.get('rootNamespace').text || DEFAULT_MESH_SETTINGS.rootNamespace,
    proxyImageType: proxy.at('image.imageType').text,
    proxyMetadata: Object.fromEntries(
      proxy.get('proxyMetadata').entries.map(([key, value]) => [key, String(value.value ?? '')]),
    ),
    accessLogProviders: mesh.at('defaultProviders.accessLogging').texts,
    lightstepProviders: providers.filter((each) => each.get('lightstep').exists).map((each) => each.get('name').text),
  };
}

/** MeshNetworks as YAML: endpoints that name a registry. Throws YAMLParseError for text that is no YAML. */
export function readRegistryEndpoints(text: string): RegistryEndpoint[] {
  return readYaml(text)
    .get('networks')
    .entries.flatMap(([network, field]) =>
      field
        .get('endpoints')
        .items.filter((endpoint) => endpoint.get('fromRegistry').exists)
        .map((endpoint) => ({ network, registry: endpoint.get('fromRegistry').text })),
    );
}
