import type {
  Destination,
  DestinationRule,
  HttpMatch,
  HttpRoute,
  Labels,
  NameOf,
  Service,
  StringMatch,
  Subset,
  TcpRoute,
  TrafficPolicy,
  VirtualService,
} from './objects.ts';
import { selects } from './objects.ts';
import { protoText } from './proto-text.ts';

/** Subsets by whether they hold any of the pods. */
export interface Subsets {
  readonly matching: readonly string[];
  readonly others: readonly string[];
}

export const NO_SUBSETS: Subsets = { matching: [], others: [] };

export function subsetsOf({ spec: { subsets = [] } }: DestinationRule, pods: readonly Labels[]): Subsets {
  const holds = ({ labels = {} }: Subset): boolean => pods.some((pod) => selects(labels, pod));
  return {
    matching: subsets.filter(holds).map(({ name }) => name),
    others: subsets.filter((subset) => !holds(subset)).map(({ name }) => name),
  };
}

/** Lines about a DestinationRule. Source: printDestinationRule in istioctl/pkg/describe of istio. */
export function destinationRuleLines(rule: DestinationRule, subsets: Subsets, nameOf: NameOf): string[] {
  const { host, trafficPolicy } = rule.spec;
  const others = subsets.others.join(',');
  return [
    `DestinationRule: ${nameOf(rule.metadata)} for "${host}"`,
    ...(subsets.matching.length === 0 && others !== ''
      ? [`   WARNING POD DOES NOT MATCH ANY SUBSETS.  (Non matching subsets ${others})`]
      : []),
    ...(subsets.matching.length > 0 || others !== '' ? [`   Matching subsets: ${subsets.matching.join(',')}`] : []),
    ...(others === '' ? [] : [`      (Non-matching subsets ${others})`]),
    ...(trafficPolicy === undefined ? ['   No Traffic Policy'] : policyLines(trafficPolicy)),
  ];
}

function policyLines(policy: TrafficPolicy): string[] {
  const { tls, portLevelSettings } = policy;
  return [
    ...(tls === undefined ? [] : [`   Traffic Policy TLS Mode: ${tls.mode ?? 'DISABLE'}`]),
    ...shortPolicies(policy).map((line) => `   ${line}`),
    ...(portLevelSettings === undefined ? [] : ['   Port Level Settings:']),
    ...(portLevelSettings ?? []).flatMap((settings) => [
      `    ${settings.port?.number ?? 0}:`,
      ...(settings.tls === undefined ? [] : [`      TLS Mode: ${settings.tls.mode ?? 'DISABLE'}`]),
      ...shortPolicies(settings).map((line) => `      ${line}`),
    ]),
  ];
}

function shortPolicies({ loadBalancer, connectionPool, outlierDetection }: TrafficPolicy): string[] {
  const present = [
    ...(loadBalancer ? ['load balancer'] : []),
    ...(connectionPool ? ['connection pool'] : []),
    ...(outlierDetection ? ['outlier detection'] : []),
  ];
  return present.length === 0 ? [] : [`Policies: ${present.join('/')}`];
}

/** What a VirtualService is looked at for. */
export interface RouteAim {
  readonly service: Service;
  readonly subsets: Subsets;
  readonly rule: DestinationRule | undefined;
  readonly nameOf: NameOf;
}

interface RouteFacts {
  readonly matches: boolean;
  readonly facts: readonly string[];
}

/** Lines about a VirtualService: which of its routes reach the service's pods. Source: printVirtualService, likewise. */
export function virtualServiceLines(rule: VirtualService, aim: RouteAim): string[] {
  const { http = [], tls = [], tcp = [] } = rule.spec;
  const namespace = rule.metadata.namespace ?? '';
  const found = [
    ...http.map((route) => httpFacts(route, namespace, aim)),
    ...tcp.map((route) => tcpFacts(route, namespace, aim)),
  ];
  const matching = found.filter(({ matches }) => matches);
  const facts = matching.flatMap((each) => each.facts);
  const notes = found.filter(({ matches }) => !matches).flatMap((each) => each.facts);
  const count = (kind: string, routes: readonly unknown[], line: (count: number, kind: string) => string): string[] =>
    routes.length === 0 ? [] : [`   ${line(routes.length, kind)}`];
  const title = `VirtualService: ${aim.nameOf(rule.metadata)}`;
  if (matching.length === 0) {
    const unmatched = (routes: number, kind: string): string =>
      `WARNING: No destinations match pod subsets (checked ${routes} ${kind} routes)`;
    const warnings = [...count('HTTP', http, unmatched), ...count('TCP', tcp, unmatched)];
    return [title, ...warnings, ...notes.map((note) => `      ${note}`)];
  }
  const lines = [title, ...facts.map((fact) => `   ${fact}`)];
  const left = http.length + tls.length + tcp.length - matching.length;
  if (left > 0) {
    const further = facts.length === 0 ? notes.map((note) => `      ${note}`) : [];
    return [...lines, `   ${left} additional destination(s) that will not reach this pod`, ...further];
  }
  if (facts.length > 0) return lines;
  const all = (routes: number, kind: string): string => `${routes} ${kind} route(s)`;
  return [...lines, ...count('HTTP', http, all), ...count('TCP', tcp, all)];
}

const SUFFIX = '.svc.cluster.local';
const hostOf = ({ metadata: { name, namespace } }: Service): string => `${name}.${namespace}${SUFFIX}`;

/** Short names are of the rule's own namespace. */
function fullHost(host: string, namespace: string): string {
  const full = host.includes('.') || host.startsWith('*') ? host : `${host}.${namespace}${SUFFIX}`;
  return full.startsWith('*') || full.endsWith(SUFFIX) ? full : full + SUFFIX;
}

function httpFacts(route: HttpRoute, namespace: string, aim: RouteAim): RouteFacts {
  const facts: string[] = [];
  const mismatches: string[] = [];
  let matches = false;
  for (const to of route.route ?? []) {
    const { host, subset = '' } = to.destination;
    const weight = to.weight ?? 0;
    if (fullHost(host, namespace) !== hostOf(aim.service)) {
      facts.push(
        subset === '' ? `Route to host "${host}" with weight ${weight}%` : `Route to ${host} with invalid config`,
      );
      continue;
    }
    const mismatch = subset === '' ? undefined : mismatchOf(to, route, aim);
    if (mismatch !== undefined) {
      mismatches.push(mismatch);
      continue;
    }
    matches = true;
    if (weight > 0) facts.push(`Route to host "${host}"${subset && ` subset "${subset}"`} with weight ${weight}%`);
  }
  if (!matches) return { matches, facts: [...facts, ...mismatches] };
  const conditions = [
    ...(route.fault === undefined ? [] : [`Fault injection ${protoText(route.fault)}`]),
    ...(route.match ?? []).map(matchWords),
  ];
  return { matches, facts: conditions.length === 0 ? facts : [...facts, conditions.join(', ')] };
}

function mismatchOf(
  to: Destination,
  { match = [] }: HttpRoute,
  { subsets, rule, nameOf }: RouteAim,
): string | undefined {
  const { subset = '' } = to.destination;
  if (subsets.others.includes(subset)) {
    const when = match.length === 0 ? 'everything' : match.map(matchWords).join(', ');
    return `Route to non-matching subset ${subset} for (${when})`;
  }
  if (subsets.matching.includes(subset)) return undefined;
  return rule === undefined
    ? `Warning: Route to subset ${subset} but NO DESTINATION RULE defining subsets!`
    : `Warning: Route to UNKNOWN subset ${subset}; check DestinationRule ${nameOf(rule.metadata)}`;
}

function tcpFacts({ route = [], match = [] }: TcpRoute, namespace: string, { service }: RouteAim): RouteFacts {
  const matches = route.some(({ destination }) => fullHost(destination.host, namespace) === hostOf(service));
  return { matches, facts: matches ? match.map(protoText) : [] };
}

function stringWords(match: StringMatch): string {
  if (match['exact'] !== undefined) return match['exact'];
  return match['prefix'] === undefined ? protoText(match) : `${match['prefix']}*`;
}

function matchWords({ uri, ignoreUriCase, headers = {} }: HttpMatch): string {
  const path = uri === undefined ? '' : `${stringWords(uri)}${ignoreUriCase === true ? ' uncased' : ''}`;
  const conditions = Object.entries(headers).map(([name, match]) => `${name}=${stringWords(match)}`);
  return `Match: ${path}${conditions.length === 0 ? '' : ` when headers are ${conditions.join('; ')}`}`.trim();
}
