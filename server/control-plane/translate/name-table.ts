import type { NameInfo, NameTable } from '#xds';
import { isIp } from '../snapshot/addresses.ts';
import { endpointsOnPort } from '../snapshot/endpoints.ts';
import { hasNoAddress, type Service } from '../snapshot/services.ts';
import { addressesOf } from './routes/virtual-host-domains.ts';
import type { OutboundScope } from './scope.ts';

/**
 * The names that an agent answers DNS for, with the addresses at which the proxy listens for them. Unlike Istio's it has no entries for
 * single pods of headless services: the cluster's name server answers for them. Source: BuildNameTable in istio pkg/dns/server.
 */
export function nameTable(scope: OutboundScope): NameTable {
  const table: Record<string, NameInfo> = {};
  for (const service of scope.egress.flatMap(({ services }) => services)) {
    const ips = addressesFor(scope, service);
    if (ips.length === 0) continue;
    const held = table[service.hostname];
    if (held === undefined || (held.registry !== 'Kubernetes' && service.registry === 'Kubernetes')) {
      table[service.hostname] = infoOf(service, ips);
    } else if (held.registry !== 'Kubernetes') table[service.hostname] = { ...held, ips: [...held.ips, ...ips] };
  }
  return { table };
}

const infoOf = ({ registry, name, namespace }: Service, ips: readonly string[]): NameInfo => ({
  ips,
  registry,
  ...(registry === 'Kubernetes' && { shortname: name, namespace }),
});

/** Its own; of a headless service those of its endpoints that are ready. Ranges are no addresses. */
function addressesFor(scope: OutboundScope, service: Service): string[] {
  if (!hasNoAddress(service)) return addressesOf(service, scope.local).filter(isIp);
  const [port] = service.ports;
  if (service.resolution !== 'Passthrough' || port === undefined) return [];
  return endpointsOnPort(scope.snapshot.endpoints, service, port)
    .filter(({ ip, health }) => isIp(ip) && (health ?? 'HEALTHY') === 'HEALTHY')
    .map(({ ip }) => ip);
}
