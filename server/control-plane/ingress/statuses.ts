import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '#domain';
import type { MeshConfig } from '../doors.ts';
import { isServed } from './classes.ts';
import { INGRESS_NAMESPACE } from './gateways.ts';

/** Kinds that the statuses of Ingresses follow from. */
const KINDS: ReadonlySet<string> = new Set(['Ingress.networking.k8s.io', 'IngressClass.networking.k8s.io', 'Service']);

export const tellsOfIngress = (kind: string): boolean => KINDS.has(kind);

interface Address {
  readonly ip?: string;
  readonly hostname?: string;
}

/**
 * The statuses that have to be written: where the Service that the mesh names as its ingress gateway is reached from outside. With an empty
 * `ingressService`, where istiod looks for the nodes of gateway pods, nothing is told. Source: istio pilot/pkg/config/kube/ingress.
 */
export function ingressStatusChanges(
  { ingresses, classes, services }: Readonly<Record<'ingresses' | 'classes' | 'services', readonly KubeObject[]>>,
  mesh: MeshConfig,
): { readonly object: KubeObject; readonly status: object }[] {
  const { ingressService: wanted = 'istio-ingressgateway' } = mesh;
  const served = ingresses.filter((ingress) => isServed(ingress, classes, mesh));
  if (wanted === '' || served.length === 0) return [];
  const gateway = services.find(({ metadata }) => metadata.name === wanted && metadata.namespace === INGRESS_NAMESPACE);
  const loadBalancer = { ingress: gateway === undefined ? [] : addressesOf(gateway) };
  return served.flatMap((object) => {
    const told = (object.status as { readonly loadBalancer?: { readonly ingress?: readonly Address[] } } | undefined)
      ?.loadBalancer?.ingress;
    if (isDeepStrictEqual(told ?? [], loadBalancer.ingress)) return [];
    return [{ object, status: { ...(object.status as object | undefined), loadBalancer } }];
  });
}

/** Host names first, each kind in order. */
function addressesOf({ spec, status }: KubeObject): Address[] {
  const {
    type,
    externalName,
    externalIPs = [],
  } = (spec ?? {}) as {
    readonly type?: string;
    readonly externalName?: string;
    readonly externalIPs?: readonly string[];
  };
  if (type === 'ExternalName') return [{ hostname: externalName ?? '' }];
  const { ingress = [] } =
    (status as { readonly loadBalancer?: { readonly ingress?: readonly Address[] } })?.loadBalancer ?? {};
  const found = [...ingress, ...externalIPs.map((ip): Address => ({ ip }))];
  const hostnames = found.flatMap(({ ip, hostname }) => (ip || hostname === undefined ? [] : [hostname])).sort();
  const ips = found.flatMap(({ ip }) => (ip ? [ip] : [])).sort();
  return [...hostnames.map((hostname) => ({ hostname })), ...ips.map((ip) => ({ ip }))];
}
