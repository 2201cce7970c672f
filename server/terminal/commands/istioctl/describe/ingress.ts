import type { ShellContext } from '../../../command.ts';
import { destinationRuleIn, virtualServiceIn } from './in-force.ts';
import type { DestinationRule, Labels, NameOf, Pod, Service, VirtualService } from './objects.ts';
import { selects } from './objects.ts';
import { protocolWords, targetPort } from './pod.ts';
import { NO_SUBSETS, subsetsOf, virtualServiceLines } from './rules.ts';

interface Gateway {
  readonly spec: { readonly selector?: Labels };
}

/** A Service of ingress gateways, with its pods. */
interface Ingress {
  readonly service: Service;
  readonly pods: readonly Pod[];
}

interface View {
  readonly context: ShellContext;
  readonly nameOf: NameOf;
}

const LINE = '--------------------';
const INGRESS = { istio: 'ingressgateway' };

/** Where ingress gateways expose services, and by which routes. Source: printIngressInfo in istioctl/pkg/describe of istio. */
export function ingressLines(view: View, services: readonly Service[], pods: readonly Labels[]): string[] {
  const { store, pods: running } = view.context.sandbox;
  const gateways = (store.list('Pod') as unknown as Pod[]).filter(
    ({ metadata, status }) => selects(INGRESS, metadata.labels) && status?.phase === 'Running',
  );
  if (gateways.length === 0) return ['Skipping Gateway information (no ingress gateway pods)'];
  const ingresses = (store.list('Service') as unknown as Service[]).flatMap((service): Ingress[] => {
    const own = gateways.filter(
      ({ metadata }) =>
        metadata.namespace === service.metadata.namespace && selects(service.spec.selector ?? {}, metadata.labels),
    );
    return own.length === 0 ? [] : [{ service, pods: own }];
  });
  const lines = ingresses.length === 0 ? ['Skipping Gateway information (no ingress gateway service)'] : [];
  const told = new Set<string>();
  for (const { metadata } of gateways) {
    const proxy = running.find(
      ({ name, namespace }) => name === metadata.name && namespace === metadata.namespace,
    )?.proxy;
    if (proxy === undefined) continue;
    for (const service of services)
      for (const { port } of service.spec.ports ?? []) {
        const named = virtualServiceIn(proxy, service, port);
        const routes = named && (store.get('VirtualService', named) as VirtualService | undefined);
        if (routes === undefined) continue;
        const key = destinationRuleIn(proxy, service, port);
        const rule = key && (store.get('DestinationRule', key) as DestinationRule | undefined);
        const subsets = rule === undefined ? NO_SUBSETS : subsetsOf(rule, pods);
        const shown = virtualServiceLines(routes, { service, subsets, rule, nameOf: view.nameOf });
        lines.push(...exposureLines(view, { routes, ingresses, told, shown }));
      }
  }
  return lines;
}

interface Exposure {
  readonly routes: VirtualService;
  readonly ingresses: readonly Ingress[];
  /** Gateways that have been told of. */
  readonly told: Set<string>;
  readonly shown: readonly string[];
}

function exposureLines({ context }: View, { routes, ingresses, told, shown }: Exposure): string[] {
  const { gateways = [] } = routes.spec;
  return gateways.flatMap((word) => {
    if (word === '' || word === 'mesh') return [];
    const [namespace = '', name = ''] = word.includes('/') ? word.split('/') : [routes.metadata.namespace, word];
    const id = `${namespace}/${name}`;
    if (told.has(id)) return [];
    const gateway = context.sandbox.store.get('Gateway.networking.istio.io', { namespace, name }) as
      | Gateway
      | undefined;
    if (gateway === undefined) return [`WARNING: Proxy is stale; it references to non-existent gateway ${id}`];
    told.add(id);
    const { selector } = gateway.spec;
    if (selector === undefined) return [`Ingress Gateway ${id} be applied all workloads`];
    const matching = ingresses
      .filter(({ pods }) => pods.some(({ metadata }) => selects(selector, metadata.labels)))
      .toSorted((a, b) => (addressOf(a) < addressOf(b) ? -1 : 1));
    return matching.length === 0 ? [] : [LINE, ...matching.flatMap(doorLines), ...shown];
  });
}

const addressOf = ({ service, pods }: Ingress): string =>
  service.status?.loadBalancer?.ingress?.[0]?.ip ?? pods[0]?.status?.hostIP ?? 'unknown';

const SCHEMES: Readonly<Record<string, string>> = { HTTP: 'http', HTTP2: 'http' };
const HTTP_PORT = 80;

/** The Service offers more ports than its pods listen on: those named after HTTP are told. */
function doorLines(ingress: Ingress): string[] {
  return (ingress.service.spec.ports ?? [])
    .filter(({ name, protocol = 'TCP' }) => protocol === 'TCP' && (name === 'http' || name === 'http2'))
    .filter((port) => targetPort(ingress.pods[0]!, port) !== undefined)
    .map((port) => {
      const scheme = SCHEMES[protocolWords(port)] ?? '';
      const suffix = scheme === 'http' && port.port === HTTP_PORT ? '' : `:${port.port}`;
      return `Exposed on Ingress Gateway ${scheme}://${addressOf(ingress)}${suffix}`;
    });
}
