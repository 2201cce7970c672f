import type { Proxy } from '#data-plane';
import type { Service } from './objects.ts';

/** A rule that a proxy's configuration names as its cause. */
export interface RuleName {
  readonly namespace: string;
  readonly name: string;
}

interface Origin {
  readonly metadata?: { readonly filter_metadata?: { readonly istio?: { readonly config?: string } } };
}

const RULE = /^\/apis\/networking(?:\.istio\.io)?\/v1(?:alpha3)?\/namespaces\/([^/]+)\/([a-z-]+)\/([^/]+)/;

function ruleOf({ metadata }: Origin, kind: string): RuleName | undefined {
  const [, namespace = '', found, name = ''] = RULE.exec(metadata?.filter_metadata?.istio?.config ?? '') ?? [];
  return found === kind ? { namespace, name } : undefined;
}

const hostOf = ({ metadata: { name, namespace } }: Service): string => `${name}.${namespace}.svc.cluster.local`;

/** The DestinationRule behind a proxy's cluster of a service's port. */
export function destinationRuleIn({ admin }: Proxy, service: Service, port: number): RuleName | undefined {
  const wanted = `outbound|${port}|`;
  const clusters = admin.clusters() as readonly (Origin & { readonly name: string })[];
  const found = clusters.find(({ name }) => name.startsWith(wanted) && name.endsWith(`|${hostOf(service)}`));
  return found && ruleOf(found, 'destination-rule');
}

interface RouteJson extends Origin {
  readonly route?: {
    readonly cluster?: string;
    readonly weighted_clusters?: { readonly clusters?: readonly { readonly name?: string }[] };
  };
}

interface TableJson {
  readonly name: string;
  readonly virtual_hosts?: readonly { readonly domains?: readonly string[]; readonly routes?: readonly RouteJson[] }[];
}

/** The VirtualService behind the first route to a service. Source: getIstioVirtualServicePathForSvcFromRoute in istioctl. */
export function virtualServiceIn({ admin }: Proxy, service: Service, port: number): RuleName | undefined {
  for (const { name, virtual_hosts = [] } of admin.routes() as readonly TableJson[]) {
    if (name !== String(port) && !/^https?\./.test(name)) continue;
    for (const { domains = [], routes = [] } of virtual_hosts) {
      const byDomain = domains.includes(hostOf(service));
      const route = routes.find((each) => byDomain || leadsTo(each, service, port));
      if (route !== undefined) return ruleOf(route, 'virtual-service');
    }
  }
  return undefined;
}

function leadsTo({ route }: RouteJson, service: Service, port: number): boolean {
  const cluster = route?.cluster ?? route?.weighted_clusters?.clusters?.[0]?.name ?? '';
  return cluster.startsWith(`outbound|${port}|`) && cluster.endsWith(`|${hostOf(service)}`);
}

interface HttpManager {
  readonly http_filters?: readonly {
    readonly name: string;
    readonly typed_config?: { readonly rules?: { readonly policies?: object } };
  }[];
}

interface ListenerJson {
  readonly name: string;
  readonly filter_chains?: readonly { readonly filters?: readonly { readonly typed_config?: HttpManager }[] }[];
}

/** Names of the policies in the first RBAC filter for inbound HTTP. */
export function inboundPolicies({ admin }: Proxy): string[] {
  const listeners = admin.listeners() as readonly ListenerJson[];
  const inbound = listeners.find(({ name }) => name === 'virtualInbound');
  const managers = (inbound?.filter_chains ?? []).flatMap(({ filters = [] }) =>
    filters.flatMap(({ typed_config: config }) => (config?.http_filters === undefined ? [] : [config])),
  );
  const rbac = managers[0]?.http_filters?.find(({ name }) => name === 'envoy.filters.http.rbac');
  return Object.keys(rbac?.typed_config?.rules?.policies ?? {});
}
