import { isIPv4 } from 'node:net';
import { type AskNames, type KubeObject, NO_SUCH_NAME } from '#domain';
import type { KubeStore } from '#kube-api';
import type { ServiceObject } from '../kube-types.ts';
import { endpointAddresses, slicesOf } from '../kube-types.ts';

const DOMAIN = 'svc.cluster.local';
const MAX_ALIASES = 8;

/**
 * The address of a name as a pod of `namespace` resolves it: `reviews`, `reviews.default`, `reviews.default.svc`, the full name, with
 * or without a final dot; a headless Service answers with its first ready pod, an ExternalName with what its target resolves to.
 */
export const resolveName = (store: KubeStore, name: string, namespace: string): string | undefined =>
  resolveAddresses(store, name, namespace)[0];

/** All addresses of a name, as `resolveName` understands it; a headless Service has one for each ready pod. */
export function resolveAddresses(store: KubeStore, name: string, namespace: string): readonly string[] {
  let wanted = name;
  for (let aliases = 0; aliases < MAX_ALIASES; aliases++) {
    if (isIPv4(wanted)) return [wanted];
    const service = findService(store, wanted, namespace);
    if (service === undefined) return [...podAddresses(store, wanted, namespace), ...outsideAddresses(store, wanted)];
    const { clusterIP, type, externalName } = service.spec;
    if (type === 'ExternalName') wanted = externalName ?? '';
    else if (clusterIP === 'None') return endpointAddresses(store, service.metadata);
    else return clusterIP === undefined ? [] : [clusterIP];
  }
  return [];
}

/** How long the cluster's name server lets its answers be kept. */
export const NAME_TTL_S = 5;

/** The cluster's name server: it knows Services, pods of headless ones, and hosts of the outside world. Addresses are of IPv4. */
export const clusterNames =
  (store: KubeStore): AskNames =>
  (name, type) => {
    // The search list is the asker's: a final dot keeps it out.
    const addresses = resolveAddresses(store, `${name}.`, 'default');
    if (addresses.length === 0 && findService(store, `${name}.`, 'default') === undefined) return NO_SUCH_NAME;
    const records = addresses.map((value) => ({ name, type: 'A' as const, ttlS: NAME_TTL_S, value }));
    return { code: 'NOERROR', authoritative: true, records: type === 'A' ? records : [] };
  };

/** `web-0.web`, `web-0.web.shop.svc.cluster.local`: one pod of a headless Service by its own name. */
function podAddresses(store: KubeStore, name: string, namespace: string): readonly string[] {
  const dot = name.indexOf('.');
  const service = dot < 0 ? undefined : findService(store, name.slice(dot + 1), namespace);
  if (service?.spec.clusterIP !== 'None') return [];
  const pod = name.slice(0, dot).toLowerCase();
  const endpoints = slicesOf(store, service.metadata).flatMap((slice) => slice.endpoints);
  return endpoints.find((each) => each.conditions?.ready !== false && each.targetRef?.name === pod)?.addresses ?? [];
}

/** A pod with this annotation stands for a host of the outside world: no Service, so no registry knows it, and names resolve to it. */
export const OUTSIDE_HOST = 'meshwork.dev/outside-host';

function outsideAddresses(store: KubeStore, name: string): readonly string[] {
  const host = name.replace(/\.$/, '').toLowerCase();
  return store.list('Pod').flatMap((pod) => {
    const ip = pod.metadata.annotations?.[OUTSIDE_HOST] === host ? podIpOf(pod) : undefined;
    return ip === undefined ? [] : [ip];
  });
}

const podIpOf = ({ status }: KubeObject): string | undefined =>
  (status as { readonly podIP?: string } | undefined)?.podIP;

/** Search list of a pod's resolv.conf, then the name itself. */
export const searchList = (namespace: string): readonly string[] => [`${namespace}.${DOMAIN}`, DOMAIN, 'cluster.local'];

function findService(store: KubeStore, name: string, namespace: string): ServiceObject | undefined {
  const absolute = name.endsWith('.');
  const plain = (absolute ? name.slice(0, -1) : name).toLowerCase();
  const candidates = absolute ? [plain] : [...searchList(namespace).map((suffix) => `${plain}.${suffix}`), plain];
  for (const candidate of candidates) {
    if (!candidate.endsWith(`.${DOMAIN}`)) continue;
    const [service, ns, ...more] = candidate.slice(0, -DOMAIN.length - 1).split('.');
    if (service === undefined || ns === undefined || more.length > 0) continue;
    const found = store.get('Service', { namespace: ns, name: service });
    if (found !== undefined) return found as ServiceObject;
  }
  return undefined;
}
