import { readMeshConfig } from '#control-plane';
import type { KubeObject } from '#domain';
import { parseKubernetesYaml } from '#istio';
import type { KubeStore } from '#kube-api';
import { rootNamespace } from './system.ts';

const ANNOTATION = 'proxy.istio.io/config';
const IMAGE_TYPE_ANNOTATION = 'sidecar.istio.io/proxyImageType';

/** A proxy's own settings: meshconfig's ProxyConfig, of which only what injection reads is typed. */
export interface ProxySettings {
  readonly concurrency?: number;
  /** Environment variables of the proxy's containers. */
  readonly proxyMetadata?: Readonly<Record<string, unknown>>;
  readonly proxyHeaders?: Readonly<Record<string, unknown>>;
  readonly image?: { readonly imageType?: string };
  readonly holdApplicationUntilProxyStarts?: boolean;
  readonly [field: string]: unknown;
}

/** Spec of a ProxyConfig resource. */
interface ProxyConfigSpec {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly concurrency?: number;
  readonly environmentVariables?: Readonly<Record<string, string>>;
  readonly image?: { readonly imageType?: string };
}

/** The pod for which settings are looked up. */
export interface ProxySubject {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Those of a pod's own proxy. */
export const settingsOfPod = (store: KubeStore, { metadata }: KubeObject): ProxySettings => {
  const { namespace = '', labels = {}, annotations = {} } = metadata;
  return effectiveProxySettings(store, { namespace, labels, annotations });
};

/**
 * The settings of one proxy. From weak to strong: the mesh's defaultConfig, the ProxyConfig of the root namespace, that of the pod's
 * namespace, the pod's annotation, the ProxyConfig that selects the pod; of several of one level the oldest counts. Environment
 * variables of all levels come together. Source: EffectiveProxyConfig in istio pilot.
 */
export function effectiveProxySettings(store: KubeStore, subject: ProxySubject): ProxySettings {
  const { namespace, labels, annotations } = subject;
  const { defaultConfig } = readMeshConfig(store.get('ConfigMap', { namespace: rootNamespace, name: 'istio' }));
  // A store of Kubernetes' kinds alone has none.
  const isKnown = store.kinds.forObject('networking.istio.io/v1beta1', 'ProxyConfig') !== undefined;
  const all = isKnown ? store.list('ProxyConfig').toSorted(oldestFirst) : [];
  const specsOf = (wanted: string): ProxyConfigSpec[] =>
    all.filter(({ metadata }) => metadata.namespace === wanted).map(({ spec }) => (spec ?? {}) as ProxyConfigSpec);
  const ofNamespace = (wanted: string): ProxySettings =>
    settingsOf(specsOf(wanted).find(({ selector }) => selector === undefined));
  const selecting = specsOf(namespace).find(({ selector }) => selects(selector?.matchLabels ?? {}, labels));
  return [
    defaultConfig as ProxySettings | undefined,
    ofNamespace(rootNamespace),
    namespace === rootNamespace ? {} : ofNamespace(namespace),
    readAnnotation(annotations[ANNOTATION]),
    settingsOf(selecting),
  ].reduce<ProxySettings>(merged, {});
}

/** Reads the pod's annotation; what cannot be read counts as absent. */
export function readAnnotation(text: string | undefined): ProxySettings {
  if (text === undefined) return {};
  try {
    const value: unknown = parseKubernetesYaml(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as ProxySettings) : {};
  } catch {
    // Validation told whoever wrote it; the pod starts with the defaults.
    return {};
  }
}

/** Seconds count, as in Kubernetes; then names decide. */
const oldestFirst = ({ metadata: a }: KubeObject, { metadata: b }: KubeObject): number =>
  (Date.parse(a.creationTimestamp ?? '') || 0) - (Date.parse(b.creationTimestamp ?? '') || 0) ||
  compare(a.name, b.name);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function selects(wanted: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(wanted);
  return entries.length > 0 && entries.every(([key, value]) => labels[key] === value);
}

function settingsOf({ concurrency, environmentVariables, image }: ProxyConfigSpec = {}): ProxySettings {
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(environmentVariables && { proxyMetadata: environmentVariables }),
    ...(image && { image }),
  };
}

function merged(weak: ProxySettings, strong: ProxySettings | undefined): ProxySettings {
  const proxyMetadata = { ...weak.proxyMetadata, ...strong?.proxyMetadata };
  const proxyHeaders = { ...weak.proxyHeaders, ...strong?.proxyHeaders };
  return {
    ...weak,
    ...strong,
    ...(Object.keys(proxyMetadata).length > 0 && { proxyMetadata }),
    ...(Object.keys(proxyHeaders).length > 0 && { proxyHeaders }),
  };
}

/** Suffixes of tags that say which variant of the image it is. */
const KNOWN_TYPES = ['distroless', 'debug'];

/** The image of the wanted variant: the pod's annotation, else the settings; `default` is the one without a suffix. */
export function imageOfType(image: string, settings: ProxySettings, annotations: ProxySubject['annotations']): string {
  const type = annotations[IMAGE_TYPE_ANNOTATION] ?? settings.image?.imageType ?? '';
  if (type === '') return image;
  const known = KNOWN_TYPES.find((suffix) => image.endsWith(`-${suffix}`));
  const plain = known === undefined ? image : image.slice(0, -(known.length + 1));
  return type === 'default' ? plain : `${plain}-${type}`;
}

/** The environment variables that settings ask for, by name. */
export const environmentOf = ({ proxyMetadata = {} }: ProxySettings): { name: string; value: string }[] =>
  Object.keys(proxyMetadata)
    .sort(compare)
    .map((name) => ({ name, value: String(proxyMetadata[name]) }));

/** What Istio's injection does not repeat, because the agent has it built in; source: cleanProxyConfig in istio. */
const BUILT_IN: Readonly<Record<string, unknown>> = {
  configPath: './etc/istio/proxy',
  binaryPath: '/usr/local/bin/envoy',
  serviceCluster: 'istio-proxy',
  drainDuration: '45s',
  terminationDrainDuration: '5s',
  discoveryAddress: 'istiod.istio-system.svc:15012',
  proxyAdminPort: 15000,
  controlPlaneAuthPolicy: 'MUTUAL_TLS',
  statNameLength: 189,
  statusPort: 15020,
};

/** Fields in the order of their message, which is that of Istio's JSON. */
const ORDER = [
  ...['configPath', 'binaryPath', 'serviceCluster', 'drainDuration', 'discoveryAddress', 'discoveryRefreshDelay'],
  ...['zipkinAddress', 'statsdUdpAddress', 'envoyMetricsServiceAddress', 'proxyAdminPort', 'availabilityZone'],
  ...['controlPlaneAuthPolicy', 'customConfigFile', 'statNameLength', 'concurrency', 'proxyBootstrapTemplatePath'],
  ...['interceptionMode', 'tracing', 'sds', 'envoyAccessLogService', 'envoyMetricsService', 'proxyMetadata'],
  ...['runtimeValues', 'statusPort', 'extraStatTags', 'gatewayTopology', 'terminationDrainDuration', 'meshId'],
  ...['readinessProbe', 'proxyStatsMatcher', 'holdApplicationUntilProxyStarts', 'caCertificatesPem', 'image'],
  ...['privateKeyProvider', 'proxyHeaders', 'fileFlushInterval', 'fileFlushMinSizeKb', 'statsCompression'],
  'connectionSettings',
];

/** The variable by which the agent learns its settings: JSON on a line of its own. */
export function proxyConfigVariable(settings: ProxySettings): { name: string; value: string } {
  const environment = Object.fromEntries(environmentOf(settings).map(({ name, value }) => [name, value]));
  const known = { ...settings, ...(settings.proxyMetadata && { proxyMetadata: environment }) };
  const told = ORDER.map((field) => [field, known[field as keyof typeof known]] as const).filter(
    ([field, value]) => value !== undefined && value !== BUILT_IN[field],
  );
  return { name: 'PROXY_CONFIG', value: `${JSON.stringify(Object.fromEntries(told))}\n` };
}
