import type { KubeObject } from '#domain';
import { contentOf, memoLatest, memoStable } from '../snapshot/memo.ts';
import type { ObjectTables, TrackedKind } from '../snapshot/object-tables.ts';
import type { PilotFeatures } from '../snapshot/pilot-features.ts';
import { convertGatewayApi, type GatewayApiConversion } from './derive.ts';
import type { GatewayApiObjects } from './objects.ts';

const KINDS = {
  gatewayClasses: 'GatewayClass.gateway.networking.k8s.io',
  gateways: 'Gateway.gateway.networking.k8s.io',
  listenerSets: 'ListenerSet.gateway.networking.k8s.io',
  httpRoutes: 'HTTPRoute.gateway.networking.k8s.io',
  grpcRoutes: 'GRPCRoute.gateway.networking.k8s.io',
  tlsRoutes: 'TLSRoute.gateway.networking.k8s.io',
  tcpRoutes: 'TCPRoute.gateway.networking.k8s.io',
  referenceGrants: 'ReferenceGrant.gateway.networking.k8s.io',
  backendTlsPolicies: 'BackendTLSPolicy.gateway.networking.k8s.io',
  backendTrafficPolicies: 'XBackendTrafficPolicy.gateway.networking.x-k8s.io',
  services: 'Service',
  serviceEntries: 'ServiceEntry.networking.istio.io',
  namespaces: 'Namespace',
  secrets: 'Secret',
  configMaps: 'ConfigMap',
} as const satisfies Record<keyof GatewayApiObjects, TrackedKind>;

/** The kinds that statuses tell of, beyond those that conversion reads. */
const INSTANCE_KINDS: ReadonlySet<string> = new Set(['EndpointSlice.discovery.k8s.io']);

const READ_KINDS: ReadonlySet<string> = new Set(Object.values(KINDS));

/** Whether a status may tell of a change of this kind. */
export const tellsInStatus = (kind: TrackedKind): boolean => READ_KINDS.has(kind) || INSTANCE_KINDS.has(kind);

/** What conversion made of the present objects; parts that are the same keep their identity. */
export type GatewayApiDeriver = (tables: Pick<ObjectTables, 'list'>) => GatewayApiConversion;

/** Kinds that istiod reads only where alpha parts of the Gateway API are switched on. */
const ALPHA: ReadonlySet<keyof GatewayApiObjects> = new Set(['backendTrafficPolicies']);

export function createGatewayApiDeriver({ alphaGatewayApi }: PilotFeatures): GatewayApiDeriver {
  const all = Object.keys(KINDS) as (keyof GatewayApiObjects)[];
  const names = all.filter((name) => alphaGatewayApi || !ALPHA.has(name));
  const unread = Object.fromEntries(all.map((name) => [name, []]));
  const convert = memoLatest(
    (...lists: readonly (readonly KubeObject[])[]): GatewayApiConversion =>
      convertGatewayApi({
        ...unread,
        ...Object.fromEntries(names.map((name, position) => [name, lists[position] ?? []])),
      } as unknown as GatewayApiObjects),
  );
  const gateways = memoStable((made: GatewayApiConversion) => made.gateways, contentOf);
  const virtualServices = memoStable((made: GatewayApiConversion) => made.virtualServices, contentOf);
  const destinationRules = memoStable((made: GatewayApiConversion) => made.destinationRules, contentOf);
  return (tables) => {
    const made = convert(...names.map((name) => tables.list(KINDS[name])));
    return {
      gateways: gateways(made),
      virtualServices: virtualServices(made),
      destinationRules: destinationRules(made),
      grants: made.grants,
      findings: made.findings,
    };
  };
}
