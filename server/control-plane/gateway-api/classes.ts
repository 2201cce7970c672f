import type { KubeObject } from '#domain';
import { judge, type WantedCondition } from './conditions.ts';
import type { GatewayApiGatewaySpec } from './types.ts';

export const GATEWAY_CONTROLLER = 'istio.io/gateway-controller';
/** Who speaks of backends in the statuses of policies. */
export const MESH_CONTROLLER = 'istio.io/mesh-controller';
const UNMANAGED_CONTROLLER = 'istio.io/unmanaged-gateway';

/** What a controller does with the Gateways of its classes. */
export interface GatewayClassInfo {
  readonly controller: string;
  readonly description: string;
  /** False: the Gateway is somewhere else; nothing is generated from it. */
  readonly programs: boolean;
  readonly supportsListenerSets: boolean;
}

const CLASS_INFOS: ReadonlyMap<string, GatewayClassInfo> = new Map(
  (
    [
      {
        controller: GATEWAY_CONTROLLER,
        description: 'The default Istio GatewayClass',
        programs: true,
        supportsListenerSets: true,
      },
      {
        controller: UNMANAGED_CONTROLLER,
        description: 'Remote to this cluster. Does not deploy or affect configuration.',
        programs: false,
        supportsListenerSets: false,
      },
    ] as const satisfies readonly GatewayClassInfo[]
  ).map((info) => [info.controller, info]),
);

/** The classes that exist in every mesh, and their controllers. Waypoints belong to ambient mode: without it, nobody has their class. */
const BUILTIN_CLASSES: ReadonlyMap<string, string> = new Map([
  ['istio', GATEWAY_CONTROLLER],
  ['istio-remote', UNMANAGED_CONTROLLER],
]);

/** The objects of the built-in classes, as istiod creates them where they are missing. */
export const builtinClassObjects = (): KubeObject[] =>
  [...BUILTIN_CLASSES].map(([name, controllerName]) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name },
    spec: { controllerName, description: CLASS_INFOS.get(controllerName)?.description },
  }));

/**
 * Which class a Gateway has; undefined for a class of another controller. Built-in classes need no object, and are Istio's also where an
 * object of that name says otherwise.
 */
export function findClass(classes: readonly KubeObject[], name: string): GatewayClassInfo | undefined {
  const object = classes.find(({ metadata }) => metadata.name === name);
  const own = object === undefined ? undefined : CLASS_INFOS.get(controllerOf(object));
  return own ?? CLASS_INFOS.get(BUILTIN_CLASSES.get(name) ?? '');
}

const controllerOf = (object: KubeObject): string =>
  (object.spec as { readonly controllerName?: string } | undefined)?.controllerName ?? '';

export interface GatewayClassStatus {
  readonly conditions: readonly WantedCondition[];
}

/** The status of a class that Istio handles, which names no features; undefined for others. Source: GetClassStatus in istio pilot. */
export function classStatus(object: KubeObject): GatewayClassStatus | undefined {
  if (!CLASS_INFOS.has(controllerOf(object))) return undefined;
  return { conditions: judge({ Accepted: { good: { reason: 'Accepted', message: 'Handled by Istio controller' } } }) };
}

/**
 * A Gateway whose proxies istiod deploys itself. One that names host names as its addresses is bound to a Service that is there already.
 */
export function isManaged({ addresses = [] }: GatewayApiGatewaySpec): boolean {
  if (addresses.length === 0) return true;
  return addresses.length === 1 && (addresses[0]?.type === undefined || addresses[0].type === 'IPAddress');
}

/** The name of a managed Gateway's Deployment, Service and ServiceAccount. */
export const deploymentName = ({ metadata, spec }: KubeObject): string =>
  `${metadata.name}-${(spec as GatewayApiGatewaySpec).gatewayClassName}`;
