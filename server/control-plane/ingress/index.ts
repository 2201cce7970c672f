import type { KubeObject } from '#domain';
import type { MeshConfig } from '../doors.ts';
import type { Config } from '../snapshot/config.ts';
import type { GatewaySpec, VirtualServiceSpec } from '../snapshot/istio-types.ts';
import { isServed } from './classes.ts';
import { ingressGateway } from './gateways.ts';
import { ingressVirtualServices } from './virtual-services.ts';

export { ingressStatusChanges, tellsOfIngress } from './statuses.ts';

/** Istio's objects, generated from Ingresses. */
export interface IngressConfig {
  readonly gateways: readonly Config<GatewaySpec>[];
  readonly virtualServices: readonly Config<VirtualServiceSpec>[];
}

export interface IngressObjects {
  readonly ingresses: readonly KubeObject[];
  readonly classes: readonly KubeObject[];
  readonly services: readonly KubeObject[];
}

const NOTHING: IngressConfig = { gateways: [], virtualServices: [] };

/**
 * The Ingresses that Istio serves, as a Gateway each and a VirtualService for each host, named as Istio's controller names them.
 * Source: istio pilot/pkg/config/kube/ingress.
 */
export function convertIngresses({ ingresses, classes, services }: IngressObjects, mesh: MeshConfig): IngressConfig {
  const served = ingresses.filter((ingress) => isServed(ingress, classes, mesh));
  if (served.length === 0) return NOTHING;
  return {
    gateways: served.map((ingress) => ingressGateway(ingress, mesh)),
    virtualServices: ingressVirtualServices(served, {
      portNumber: (namespace, name, port) => portNumber(services, { namespace, name }, port),
    }),
  };
}

function portNumber(
  services: readonly KubeObject[],
  service: { readonly namespace: string; readonly name: string },
  port: string,
): number | undefined {
  const found = services.find(
    ({ metadata }) => metadata.name === service.name && metadata.namespace === service.namespace,
  );
  const { ports = [] } = (found?.spec ?? {}) as { readonly ports?: readonly { name?: string; port: number }[] };
  return ports.find(({ name = '' }) => name === port)?.port;
}
