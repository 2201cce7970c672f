import { findDestinationRule, type MergedDestinationRule, selectsClients } from '../snapshot/destination-rules.ts';
import { isExportedTo } from '../snapshot/hosts.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import type { Service } from '../snapshot/services.ts';
import type { ProxyView } from './proxy-view.ts';

/** What a group of proxies with the same outbound configuration sees of the mesh. */
export interface OutboundScope {
  readonly snapshot: MeshSnapshot;
  readonly role: ProxyView['role'];
  readonly namespace: string;
  /** Empty when no rule looks at the labels of a client. */
  readonly labels: Readonly<Record<string, string>>;
  /** Services exported to the namespace, by host name. */
  readonly services: readonly Service[];
  findService(host: string): Service | undefined;
  /** The DestinationRule that clients of this scope obey for a host. */
  ruleFor(host: string): MergedDestinationRule | undefined;
}

export function createScope(
  snapshot: MeshSnapshot,
  proxy: Pick<ProxyView, 'role' | 'namespace' | 'labels'>,
): OutboundScope {
  const { role, namespace } = proxy;
  const labels = labelsMatter(snapshot) ? proxy.labels : {};
  const services = [...snapshot.services.values()].filter((service) =>
    isExportedTo(service.exportTo, service.namespace, namespace),
  );
  const visible = new Map(services.map((service) => [service.hostname, service]));
  const rules = new Map<string, MergedDestinationRule | undefined>();
  return {
    snapshot,
    role,
    namespace,
    labels,
    services,
    findService: (host) => visible.get(host),
    ruleFor(host) {
      if (!rules.has(host)) rules.set(host, lookUp(host));
      return rules.get(host);
    },
  };

  function lookUp(host: string): MergedDestinationRule | undefined {
    return findDestinationRule(snapshot.destinationRules, {
      host,
      serviceNamespace: visible.get(host)?.namespace,
      clientNamespace: namespace,
      clientLabels: labels,
      rootNamespace: snapshot.mesh.rootNamespace,
    });
  }
}

/** Proxies of one key receive the same outbound configuration. */
export function scopeKey(snapshot: MeshSnapshot, proxy: ProxyView): string {
  return JSON.stringify([
    proxy.role,
    proxy.namespace,
    labelsMatter(snapshot) ? Object.entries(proxy.labels).sort() : 0,
  ]);
}

/** Whether any rule treats clients of one namespace differently by their labels. */
function labelsMatter({ virtualServices, destinationRules }: MeshSnapshot): boolean {
  const bySource = (rules: readonly { readonly spec: { readonly match?: readonly { sourceLabels?: unknown }[] } }[]) =>
    rules.some(({ spec }) => (spec.match ?? []).some((match) => match.sourceLabels !== undefined));
  return (
    selectsClients(destinationRules) ||
    virtualServices.some(({ http, tls, tcp }) => bySource(http) || bySource(tls) || bySource(tcp))
  );
}
