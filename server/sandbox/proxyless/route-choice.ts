import { RE2JS } from 're2js';
import type { HeaderMatcher, Route, RouteConfiguration, RouteMatch, StringMatcher, VirtualHost } from '#xds';

export interface CallHead {
  readonly authority: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The first route that takes the call; undefined when none does. Source: gRFC A28 and the routing rules that it takes over from Envoy. */
export function routeFor({ virtual_hosts }: RouteConfiguration, call: CallHead): Route | undefined {
  return hostFor(virtual_hosts ?? [], call.authority)?.routes?.find(({ match }) => takes(match, call));
}

/** The clusters that a table can send to. */
export const clustersOf = ({ virtual_hosts = [] }: RouteConfiguration): string[] => [
  ...new Set(virtual_hosts.flatMap(({ routes = [] }) => routes).flatMap(({ route }) => targetsOf(route))),
];

const targetsOf = (action: Route['route']): string[] => {
  if (action === undefined) return [];
  const { cluster, weighted_clusters } = action;
  return cluster === undefined ? (weighted_clusters?.clusters ?? []).map(({ name }) => name) : [cluster];
};

/** `draw` is from 0 to 1, without 1. */
export function clusterOf({ route }: Route, draw: number): string | undefined {
  if (route?.cluster !== undefined) return route.cluster;
  const clusters = route?.weighted_clusters?.clusters ?? [];
  let rest = draw * clusters.reduce((sum, { weight }) => sum + weight, 0);
  for (const { name, weight } of clusters) {
    rest -= weight;
    if (rest < 0) return name;
  }
  return undefined;
}

/** The domain that fits best: exact, then the longest `*.suffix`, then the longest `prefix.*`, then `*`. */
function hostFor(hosts: readonly VirtualHost[], authority: string): VirtualHost | undefined {
  const ranked = hosts.flatMap((host) =>
    host.domains.map((domain) => ({ host, rank: rankOf(domain.toLowerCase(), authority.toLowerCase()) })),
  );
  const best = ranked.filter(({ rank }) => rank > 0).sort((a, b) => b.rank - a.rank)[0];
  return best?.host;
}

const EXACT = 3_000_000;
const SUFFIX = 2_000_000;
const PREFIX = 1_000_000;

function rankOf(domain: string, authority: string): number {
  if (domain === authority) return EXACT;
  if (domain === '*') return 1;
  if (domain.startsWith('*')) return authority.endsWith(domain.slice(1)) ? SUFFIX + domain.length : 0;
  if (domain.endsWith('*')) return authority.startsWith(domain.slice(0, -1)) ? PREFIX + domain.length : 0;
  return 0;
}

function takes(
  { prefix, path, safe_regex, case_sensitive, headers = [], ...rest }: RouteMatch,
  call: CallHead,
): boolean {
  // A route that asks for more than gRPC can look at is never taken.
  if (rest.query_parameters?.length || rest.path_separated_prefix !== undefined || rest.dynamic_metadata?.length)
    return false;
  const fold = (text: string): string => (case_sensitive === false ? text.toLowerCase() : text);
  const fits =
    path !== undefined
      ? fold(path) === fold(call.path)
      : safe_regex !== undefined
        ? RE2JS.compile(safe_regex.regex).matches(call.path)
        : fold(call.path).startsWith(fold(prefix ?? ''));
  return fits && headers.every((matcher) => headerFits(matcher, call));
}

function headerFits({ name, string_match, present_match, range_match, invert_match }: HeaderMatcher, call: CallHead) {
  const value = call.headers[name.toLowerCase()];
  const holds = (): boolean => {
    if (present_match !== undefined) return (value !== undefined) === present_match;
    if (value === undefined) return false;
    if (range_match !== undefined) {
      const number = Number(value);
      return number >= Number(range_match.start ?? 0) && number < Number(range_match.end ?? 0);
    }
    return string_match !== undefined && textFits(string_match, value);
  };
  return holds() !== (invert_match === true);
}

function textFits({ exact, prefix, suffix, contains, safe_regex, ignore_case }: StringMatcher, text: string): boolean {
  if (safe_regex !== undefined) return RE2JS.compile(safe_regex.regex).matches(text);
  const fold = (each: string): string => (ignore_case === true ? each.toLowerCase() : each);
  const value = fold(text);
  if (exact !== undefined) return value === fold(exact);
  if (prefix !== undefined) return value.startsWith(fold(prefix));
  if (suffix !== undefined) return value.endsWith(fold(suffix));
  return contains !== undefined && value.includes(fold(contains));
}
