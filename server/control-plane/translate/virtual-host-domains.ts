import type { Service } from '../snapshot/services.ts';

/**
 * The names under which clients of a namespace may call a service: complete (also with a final dot), short where the namespace is the
 * same, `name.namespace`, `name.namespace.svc`, and its cluster address. With `port`, each also with the port, for clients that do not
 * strip it. A headless service also answers for its pods' names. Source: generateVirtualHostDomains in istio pilot.
 */
export function serviceDomains(
  service: Service,
  { namespace, port }: { readonly namespace: string; readonly port: number | undefined },
): { readonly domains: string[]; readonly short: ReadonlySet<string> } {
  const withPort = (name: string): string[] => (port === undefined ? [name] : [name, `${name}:${port}`]);
  const qualified = `${service.name}.${service.namespace}`;
  const short = [
    ...withPort(`${service.hostname}.`),
    ...(service.namespace === namespace
      ? [...withPort(service.name), ...withPort(`${qualified}.svc`), ...withPort(qualified)]
      : [...withPort(qualified), ...withPort(`${qualified}.svc`)]),
  ];
  const domains = [...withPort(service.hostname), ...short];
  if (service.clusterIp === '') domains.push(...domains.map((domain) => `*.${domain}`));
  else domains.push(...withPort(service.clusterIp));
  return { domains, short: new Set(short) };
}
