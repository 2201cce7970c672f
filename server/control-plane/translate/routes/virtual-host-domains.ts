import { isIp } from '../../snapshot/addresses.ts';
import { type Service, UNSPECIFIED } from '../../snapshot/services.ts';
import type { LocalAddresses } from '../scope.ts';

/** A name, and with `port` also the name with it, for clients that do not strip it. IPv6 addresses and ranges stand in brackets. */
const withPort = (name: string, port: number | undefined): string[] => {
  const written = name.includes(':') ? `[${name}]` : name;
  return port === undefined ? [written] : [written, `${written}:${port}`];
};

/**
 * The further names of a host for clients of a namespace: with a final dot, and for a Kubernetes Service its short forms. Only the own
 * namespace says the bare name. Source: GenerateAltVirtualHosts in istio pilot.
 */
export function altHosts(hostname: string, namespace: string, port?: number): string[] {
  const absolute = isIp(hostname) ? [] : withPort(`${hostname}.`, port);
  const end = hostname.indexOf('.svc.cluster.local');
  if (end < 0 || !hostname.endsWith('.svc.cluster.local')) return absolute;
  const qualified = hostname.slice(0, end);
  const dot = hostname.indexOf('.');
  if (dot + 1 > end) return absolute;
  const isOwn = hostname.slice(dot + 1, end) === namespace;
  const names = isOwn ? [hostname.slice(0, dot), `${qualified}.svc`, qualified] : [qualified, `${qualified}.svc`];
  return [...absolute, ...names.flatMap((name) => withPort(name, port))];
}

/**
 * The names under which clients of a namespace may call a service: its host and aliases with their further names, its addresses; a
 * headless service also answers for its pods' names. Source: generateVirtualHostDomains in istio pilot.
 */
export function serviceDomains(
  service: Service,
  {
    namespace,
    port,
    local,
  }: { readonly namespace: string; readonly port: number | undefined; readonly local: LocalAddresses },
): { readonly domains: string[]; readonly short: ReadonlySet<string> } {
  const domains: string[] = [];
  const short: string[] = [];
  for (const host of [service.hostname, ...service.aliases]) {
    const further = altHosts(host, namespace, port);
    domains.push(...withPort(host, port), ...further);
    short.push(...further);
  }
  if (service.resolution === 'Passthrough' && service.registry === 'Kubernetes') {
    domains.push(...domains.map((domain) => `*.${domain}`));
  }
  const addresses = addressesOf(service, local);
  return { domains: [...domains, ...addresses.flatMap((address) => withPort(address, port))], short: new Set(short) };
}

/** The addresses by which a proxy knows a service: of a Service of Kubernetes those of the proxy's family. */
export function addressesOf(service: Service, { any }: LocalAddresses): readonly string[] {
  const all = [service.address, ...service.extraAddresses].filter((address) => address !== UNSPECIFIED);
  return service.registry === 'Kubernetes' ? all.filter((address) => address.includes(':') === (any === '::')) : all;
}
