import type { MeshSnapshot } from '#control-plane';
import type { KubeObject } from '#domain';
import type { KubeStore } from '#kube-api';
import { ruleShown } from './rule-config.ts';

/** Objects that conversion begins with, under the names of Istio's collections: what is made of each kind, where something is. */
const INFORMERS: readonly (readonly [name: string, kind: string, made?: string])[] = [
  ['Namespaces', 'Namespace'],
  ['Secrets', 'Secret'],
  ['ConfigMaps', 'ConfigMap'],
  ['Services', 'Service'],
  ['GatewayClasses', 'GatewayClass.gateway.networking.k8s.io'],
  ['Gateways', 'Gateway.gateway.networking.k8s.io', 'KubernetesGateway'],
  ['HTTPRoutes', 'HTTPRoute.gateway.networking.k8s.io', 'HTTPRoute'],
  ['GRPCRoutes', 'GRPCRoute.gateway.networking.k8s.io', 'GRPCRoute'],
  ['BackendTLSPolicies', 'BackendTLSPolicy.gateway.networking.k8s.io', 'BackendTLSPolicy'],
  ['TLSRoutes', 'TLSRoute.gateway.networking.k8s.io', 'TLSRoute'],
  ['TCPRoutes', 'TCPRoute.gateway.networking.k8s.io', 'TCPRoute'],
  ['ListenerSet', 'ListenerSet.gateway.networking.k8s.io', 'ListenerSets'],
  ['ReferenceGrants', 'ReferenceGrant.gateway.networking.k8s.io'],
  ['ServiceEntries', 'ServiceEntry.networking.istio.io'],
];
const ALPHA = [
  'XBackendTrafficPolicy',
  'XBackendTrafficPolicy.gateway.networking.x-k8s.io',
  'BackendTrafficPolicy',
] as const;

interface Collection {
  readonly name: string;
  readonly uid: number;
  readonly state: {
    readonly outputs: Readonly<Record<string, object>>;
    readonly inputCollection?: string;
    readonly inputs?: Readonly<Record<string, { readonly outputs: readonly string[] }>>;
    readonly synced: boolean;
  };
}

type Rule = MeshSnapshot['gatewayApi']['destinationRules' | 'gateways' | 'virtualServices'][number];

/**
 * `/debug/krtz`: the collections between the Gateway API's objects and the rules that are made of them, as krt's debugger prints them:
 * of each kind the objects, then what came of each. Unlike istiod's, those of other parts (ServiceEntries, ambient) are absent, as the lab
 * has no such collections, and Secrets are shown without what they keep. Source: istio pkg/kube/krt/debug.go.
 */
export function krtCollections({ mesh, gatewayApi }: MeshSnapshot, store: KubeStore): Collection[] {
  const sources = mesh.features.alphaGatewayApi ? [...INFORMERS, ALPHA] : INFORMERS;
  const served = sources.filter(([, kind]) => store.kinds.find(kind) !== undefined);
  const informers = served.map(([name, kind]): Omit<Collection, 'uid'> => {
    const outputs = store.list(kind).map((object) => [keyOf(object.metadata), withoutSecrets(object)]);
    return { name: `gateway/informer/${name}`, state: { outputs: Object.fromEntries(outputs), synced: true } };
  });
  const rules: readonly Rule[] = [
    ...gatewayApi.gateways,
    ...gatewayApi.virtualServices,
    ...gatewayApi.destinationRules,
  ];
  const made = served.flatMap(([name, kind, result]) =>
    result === undefined ? [] : [{ ...derived(kind, rules, store), from: name, name: result }],
  );
  return [
    ...informers,
    ...made.map(({ from, name, inputs, outputs }) => ({
      name: `gateway/${name}`,
      state: { outputs, inputCollection: `gateway/informer/${from}`, inputs, synced: true },
    })),
  ].map((collection, i) => ({ ...collection, uid: i + 1 }));
}

const keyOf = ({ namespace, name }: { readonly namespace?: string; readonly name: string }): string =>
  namespace ? `${namespace}/${name}` : name;

function withoutSecrets(object: KubeObject): object {
  if (object.kind !== 'Secret') return object;
  const { data: _, stringData: _more, metadata, ...others } = object as KubeObject & Record<string, unknown>;
  // What kubectl has applied stands in an annotation, whole.
  const {
    annotations: _told,
    managedFields: _fields,
    ...named
  } = metadata as typeof metadata & {
    readonly managedFields?: unknown;
  };
  return { ...others, metadata: named };
}

/** The rules that objects of this kind had a part in. */
function derived(kind: string, rules: readonly Rule[], store: KubeStore) {
  const [plain = kind] = kind.split('.');
  const outputs: Record<string, object> = {};
  const inputs: Record<string, { readonly outputs: string[] }> = {};
  for (const rule of rules) {
    const places = [...(rule.sources?.values() ?? [])].filter((place) => place.kind === plain);
    if (places.length === 0) continue;
    const key = keyOf(rule);
    outputs[key] = ruleShown(rule, store);
    for (const source of new Set(places.map(keyOf))) {
      inputs[source] ??= { outputs: [] };
      inputs[source].outputs.push(key);
    }
  }
  return { outputs, inputs };
}
