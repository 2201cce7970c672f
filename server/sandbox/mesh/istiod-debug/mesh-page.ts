import { parseKubernetesYaml } from '#istio';
import type { KubeStore } from '#kube-api';
import { rootNamespace } from '../system.ts';

type Json = Readonly<Record<string, unknown>>;

/** What istiod starts from. Source: DefaultMeshConfig and DefaultProxyConfig in istio pkg/config/mesh, printed by a running istiod. */
const DEFAULTS: Json = {
  proxyListenPort: 15001,
  proxyInboundListenPort: 15006,
  connectTimeout: '10s',
  protocolDetectionTimeout: '0s',
  ingressClass: 'istio',
  ingressService: 'istio-ingressgateway',
  ingressControllerMode: 'STRICT',
  enableTracing: true,
  defaultConfig: {
    configPath: './etc/istio/proxy',
    binaryPath: '/usr/local/bin/envoy',
    serviceCluster: 'istio-proxy',
    drainDuration: '45s',
    discoveryAddress: 'istiod.istio-system.svc:15012',
    proxyAdminPort: 15000,
    controlPlaneAuthPolicy: 'MUTUAL_TLS',
    statNameLength: 189,
    statusPort: 15020,
    terminationDrainDuration: '5s',
  },
  outboundTrafficPolicy: { mode: 'ALLOW_ANY' },
  inboundTrafficPolicy: {},
  enableAutoMtls: true,
  trustDomain: 'cluster.local',
  defaultServiceExportTo: ['*'],
  defaultVirtualServiceExportTo: ['*'],
  defaultDestinationRuleExportTo: ['*'],
  rootNamespace,
  localityLbSetting: { enabled: true },
  dnsRefreshRate: '60s',
  enablePrometheusMerge: true,
  extensionProviders: [
    { name: 'prometheus', prometheus: {} },
    { name: 'stackdriver', stackdriver: {} },
    { name: 'envoy', envoyFileAccessLog: { path: '/dev/stdout' } },
  ],
  defaultProviders: {},
};

/** `/debug/mesh`: the mesh's ConfigMap over istiod's defaults. Text that cannot be read leaves those as they are. */
export function meshConfigShown(store: KubeStore): Json {
  const data = store.get('ConfigMap', { namespace: rootNamespace, name: 'istio' })?.['data'];
  const given = mapping((data as Readonly<Record<string, string>> | undefined)?.['mesh']);
  const providers = [...(DEFAULTS['extensionProviders'] as Json[]), ...((given['extensionProviders'] as Json[]) ?? [])];
  const byName = new Map(providers.map((provider) => [provider['name'], provider]));
  const merged = mergeObjects(DEFAULTS, given);
  return { ...merged, extensionProviders: [...byName.values()] };
}

function mapping(text: string | undefined): Json {
  try {
    const value: unknown = parseKubernetesYaml(text ?? '');
    return isMapping(value) ? value : {};
  } catch {
    return {};
  }
}

const isMapping = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Objects come together, everything else is replaced. */
function mergeObjects(base: Json, over: Json): Json {
  const merged = Object.entries(over).map(([key, value]) => {
    const held = base[key];
    return [key, isMapping(held) && isMapping(value) ? mergeObjects(held, value) : value];
  });
  return { ...base, ...Object.fromEntries(merged) };
}
