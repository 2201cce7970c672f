import { type KubeObject, serviceHostname } from '#domain';
import { sourcesIn } from '../gateway-api/sources.ts';
import { type Config, compareText, type Sources } from '../snapshot/config.ts';
import type { HttpRoute, StringMatch, VirtualServiceSpec } from '../snapshot/istio-types.ts';
import { ROUTE_SEMANTICS } from '../snapshot/semantics.ts';
import { INGRESS_NAMESPACE, INTERNAL_MARK, ingressGatewayName } from './gateways.ts';
import type { IngressPath, IngressRule, IngressSpec } from './types.ts';

export interface ServicePorts {
  /** The number of a Service's port by its name; undefined when there is none. */
  portNumber(namespace: string, service: string, port: string): number | undefined;
}

interface PlacedRule {
  readonly ingress: KubeObject;
  readonly rule: IngressRule;
  readonly index: number;
}

/** One VirtualService for each host of all Ingresses; the oldest Ingress that names the host gives it its name and its gateway. */
export function ingressVirtualServices(
  ingresses: readonly KubeObject[],
  services: ServicePorts,
): readonly Config<VirtualServiceSpec>[] {
  const byHost = new Map<string, PlacedRule[]>();
  for (const placed of ingresses.flatMap(rulesOf)) {
    const host = placed.rule.host || '*';
    const there = byHost.get(host);
    if (there === undefined) byHost.set(host, [placed]);
    else there.push(placed);
  }
  return [...byHost].map(([host, rules]) => virtualService(host, rules.sort(compareRules), services));
}

const rulesOf = (ingress: KubeObject): PlacedRule[] =>
  (((ingress.spec ?? {}) as IngressSpec).rules ?? []).flatMap((rule, index) =>
    rule.http === undefined ? [] : [{ ingress, rule, index }],
  );

const createdMs = ({ metadata }: KubeObject): number => Date.parse(metadata.creationTimestamp ?? '') || 0;

const compareRules = (a: PlacedRule, b: PlacedRule): number =>
  createdMs(a.ingress) - createdMs(b.ingress) ||
  compareText(a.ingress.metadata.name, b.ingress.metadata.name) ||
  compareText(a.ingress.metadata.namespace ?? '', b.ingress.metadata.namespace ?? '') ||
  a.index - b.index;

function virtualService(
  host: string,
  rules: readonly PlacedRule[],
  services: ServicePorts,
): Config<VirtualServiceSpec> {
  const [first] = rules as readonly [PlacedRule, ...PlacedRule[]];
  const { name, namespace = '' } = first.ingress.metadata;
  const routes = rules.flatMap((placed) => httpRoutes(placed, services)).sort(byPrecedence);
  return {
    kind: 'VirtualService',
    apiVersion: 'networking.istio.io/v1',
    namespace,
    name: `${host.replaceAll('.', '-')}-${name}-${INTERNAL_MARK}`,
    createdMs: 0,
    annotations: { [ROUTE_SEMANTICS]: 'ingress' },
    spec: {
      hosts: [host],
      gateways: [`${INGRESS_NAMESPACE}/${ingressGatewayName(name, namespace)}`],
      http: routes.map(({ route }) => route),
    },
    sources: new Map([
      ...sourcesIn(first.ingress, { '': `spec.rules[${first.index}]` }),
      ...routes.flatMap(({ place }, i) =>
        [...place].map(([path, origin]) => [`spec.http[${i}]${path}`, origin] as const),
      ),
    ]),
  };
}

interface PlacedRoute {
  readonly route: HttpRoute;
  readonly place: Sources;
}

function httpRoutes({ ingress, rule, index }: PlacedRule, services: ServicePorts): PlacedRoute[] {
  const namespace = ingress.metadata.namespace ?? '';
  return (rule.http?.paths ?? []).flatMap((path, i): PlacedRoute[] => {
    const { service } = path.backend;
    if (service === undefined) return [];
    const number = service.port?.number || services.portNumber(namespace, service.name, service.port?.name ?? '');
    if (number === undefined) return [];
    const uri = uriMatch(path);
    const host = serviceHostname(service.name, namespace);
    const at = `spec.rules[${index}].http.paths[${i}]`;
    return [
      {
        route: {
          ...(uri && { match: [{ uri }] }),
          route: [{ destination: { host, port: { number } }, weight: 100 }],
        },
        place: sourcesIn(ingress, { '': at, '.match[0]': `${at}.path`, '.route[0]': `${at}.backend.service` }),
      },
    ];
  });
}

function uriMatch({ path = '', pathType }: IngressPath): StringMatch | undefined {
  if (pathType === 'Exact') return { exact: path };
  if (pathType === 'Prefix') return { prefix: path };
  if (['', '*', '/*', '.*'].includes(path)) return undefined;
  const prefix = /^(.*)(?:\.\*|\/\*)$/s.exec(path)?.[1];
  return prefix === undefined ? { exact: path } : { prefix };
}

/** Long paths before short ones, and of equal length exact ones before prefixes. */
function byPrecedence(a: PlacedRoute, b: PlacedRoute): number {
  const [left, right] = [a, b].map(({ route }) => {
    const { exact, prefix = '' } = route.match?.[0]?.uri ?? {};
    return { length: (exact ?? prefix).length, rank: exact === undefined ? 1 : 0 };
  }) as [Rank, Rank];
  return right.length - left.length || left.rank - right.rank;
}

interface Rank {
  readonly length: number;
  readonly rank: number;
}
