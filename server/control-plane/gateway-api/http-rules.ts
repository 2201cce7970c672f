import { parseDurationMs } from '#domain';
import type { HttpMatch, HttpRetry, HttpRoute, HttpRouteDestination } from '../snapshot/istio-types.ts';
import { type Fault, joinFaults } from './conditions.ts';
import { type BackendOwner, backendDestination, weightedBackends } from './destinations.ts';
import { applyFilters, backendHeaders } from './http-filters.ts';
import { grpcMatch, httpMatch, type MatchResult } from './http-matches.ts';
import type { ReferenceContext } from './reference-context.ts';
import type { BackendRef, GrpcRouteMatch, HttpRouteMatch, HttpRouteRule, RouteFilter } from './types.ts';

/** A rule of the generated VirtualService, and where its fields stand in the route. */
export interface GeneratedRule<Spec> {
  readonly spec: Spec;
  /** Field path under the generated rule (`.timeout`, empty for the rule) → path in the route. */
  readonly places: Readonly<Record<string, string>>;
}

export interface GeneratedRules<Spec> {
  readonly rules: readonly GeneratedRule<Spec>[];
  /** What is wrong with one of the rules. Without rules: nothing of the route is in force. */
  readonly fault?: Fault | undefined;
}

export interface RouteOwner extends BackendOwner {
  /** The route's own name. */
  readonly name: string;
}

/** One rule, with one of its matches: what HTTPRoutes and GRPCRoutes have in common. */
interface SplitRule {
  readonly name: string;
  /** `spec.rules[0]` */
  readonly path: string;
  readonly match: { readonly result: MatchResult; readonly places: Readonly<Record<string, string>> } | undefined;
  readonly filters: readonly RouteFilter[];
  readonly backends: readonly BackendRef[] | undefined;
  readonly timing: Pick<HttpRouteRule, 'timeouts' | 'retry'>;
}

/** A rule as HTTPRoutes and GRPCRoutes write it. */
interface RouteRule<Match> extends Pick<HttpRouteRule, 'filters' | 'backendRefs' | 'timeouts' | 'retry'> {
  readonly name?: string;
  readonly matches?: readonly Match[];
}

/** How the matches of one kind of route read. */
interface MatchReader<Match> {
  readonly read: (match: Match) => MatchResult;
  readonly places: (match: Match, path: string) => Record<string, string>;
}

type RuleReader<Match> = (
  rules: readonly RouteRule<Match>[],
  owner: RouteOwner,
  context: ReferenceContext,
) => GeneratedRules<HttpRoute>;

/** Each match becomes a rule of its own, so that they can be put in order. */
const rulesWith =
  <Match>(reader: MatchReader<Match>): RuleReader<Match> =>
  (rules, owner, context) => {
    const split = rules.flatMap((rule, n) => {
      const name = rule.name ?? `${owner.namespace}.${owner.name}.${n}`;
      return splitRule({ ...rule, name }, `spec.rules[${n}]`, reader);
    });
    return generate(split, owner, context);
  };

function splitRule<Match>(
  { name, matches = [], filters = [], backendRefs, timeouts, retry }: RouteRule<Match> & { readonly name: string },
  path: string,
  { read, places }: MatchReader<Match>,
): SplitRule[] {
  const timing = { ...(timeouts && { timeouts }), ...(retry && { retry }) };
  const shared = { name, path, filters, backends: backendRefs, timing };
  if (matches.length === 0) return [{ ...shared, match: undefined }];
  return matches.map((match, m) => {
    const at = `${path}.matches[${m}]`;
    return { ...shared, match: { result: read(match), places: places(match, at) } };
  });
}

const httpMatchPlaces = (match: HttpRouteMatch, path: string): Record<string, string> => ({
  '.match[0]': path,
  '.match[0].uri': match.path === undefined ? path : `${path}.path`,
  '.match[0].headers': `${path}.headers`,
  '.match[0].queryParams': `${path}.queryParams`,
  '.match[0].method': `${path}.method`,
});

const grpcMatchPlaces = (match: GrpcRouteMatch, path: string): Record<string, string> => ({
  '.match[0]': path,
  '.match[0].uri': match.method === undefined ? path : `${path}.method`,
  '.match[0].headers': `${path}.headers`,
});

/** The rules of an HTTPRoute. */
export const httpRules: RuleReader<HttpRouteMatch> = rulesWith({ read: httpMatch, places: httpMatchPlaces });

/** The rules of a GRPCRoute. */
export const grpcRules: RuleReader<GrpcRouteMatch> = rulesWith({ read: grpcMatch, places: grpcMatchPlaces });

/** A rule that cannot be built at all takes the whole route out of force. */
function generate(
  rules: readonly SplitRule[],
  owner: RouteOwner,
  context: ReferenceContext,
): GeneratedRules<HttpRoute> {
  const generated: GeneratedRule<HttpRoute>[] = [];
  let fault: Fault | undefined;
  for (const rule of rules) {
    const result = generateRule(rule, owner, context);
    if ('fatal' in result) return { rules: [], fault: result.fatal };
    fault = result.fault ?? fault;
    generated.push(result.rule);
  }
  return { rules: generated, fault };
}

type RuleResult =
  | { readonly rule: GeneratedRule<HttpRoute>; readonly fault: Fault | undefined }
  | { readonly fatal: Fault };

function generateRule(rule: SplitRule, owner: RouteOwner, context: ReferenceContext): RuleResult {
  const matched = rule.match?.result;
  if (matched !== undefined && 'fatal' in matched) return matched;
  const filters = applyFilters(rule.filters, owner, context);
  if ('fatal' in filters) return filters;
  const backends = destinations(rule, { redirects: filters.parts.redirect !== undefined, owner, context });
  if ('fatal' in backends) return backends;
  const timing = timingParts(rule.timing);
  const match: readonly HttpMatch[] | undefined = matched && [matched.match];
  return {
    rule: {
      spec: { name: rule.name, ...(match && { match }), ...filters.parts, ...timing.parts, ...backends.parts },
      places: {
        '': rule.path,
        ...rule.match?.places,
        ...Object.fromEntries(
          Object.entries({ ...filters.places, ...timing.places, ...backends.places }).map(([field, place]) => [
            field,
            `${rule.path}${place}`,
          ]),
        ),
      },
    },
    fault: joinFaults(backends.fault, filters.fault),
  };
}

interface TimedParts {
  readonly parts: Pick<HttpRoute, 'timeout' | 'retries'>;
  readonly places: Readonly<Record<string, string>>;
}

/** `backendRequest` bounds one try where the rule retries, else the whole request. Zero means no limit. */
function timingParts({ timeouts = {}, retry }: Pick<HttpRouteRule, 'timeouts' | 'retry'>): TimedParts {
  const limit = (text: string | undefined): string | undefined =>
    text !== undefined && (parseDurationMs(text) ?? 0) > 0 ? text : undefined;
  const request = limit(timeouts.request);
  const perTry = limit(timeouts.backendRequest);
  const timeout = retry === undefined ? (perTry ?? request) : request;
  const fromBackend = retry === undefined && perTry !== undefined;
  return {
    parts: {
      ...(retry && { retries: retries(retry, perTry) }),
      ...(timeout !== undefined && { timeout }),
    },
    places: {
      ...(retry && { '.retries': '.retry' }),
      ...(timeout !== undefined && { '.timeout': `.timeouts.${fromBackend ? 'backendRequest' : 'request'}` }),
    },
  };
}

const RETRY_ON = ['connect-failure', 'refused-stream', 'unavailable', 'cancelled'];

function retries(
  { codes = [], attempts = 2, backoff }: NonNullable<HttpRouteRule['retry']>,
  perTryTimeout: string | undefined,
): HttpRetry {
  return {
    attempts,
    ...(attempts > 0 && { retryOn: [...RETRY_ON, ...codes].join(',') }),
    ...(backoff !== undefined && { backoff }),
    ...(perTryTimeout !== undefined && { perTryTimeout }),
  };
}

interface RouteParts {
  readonly parts: Pick<HttpRoute, 'route' | 'directResponse'>;
  readonly places: Readonly<Record<string, string>>;
  readonly fault?: Fault | undefined;
}

interface DestinationInput {
  readonly redirects: boolean;
  readonly owner: BackendOwner;
  readonly context: ReferenceContext;
}

/** Where a rule sends to. Nobody to send to: 500 for everything. A backend that is not valid: 500 for its share. */
function destinations(
  { backends }: SplitRule,
  { redirects, owner, context }: DestinationInput,
): RouteParts | { readonly fatal: Fault } {
  const weighted = weightedBackends(backends);
  if (weighted === undefined) {
    if (redirects) return { parts: {}, places: {} };
    const place = backends === undefined ? '' : '.backendRefs';
    return { parts: { directResponse: { status: 500 } }, places: { '.directResponse': place } };
  }
  const route: HttpRouteDestination[] = [];
  const places: Record<string, string> = { '.route': '.backendRefs' };
  let fault: Fault | undefined;
  for (const { backend, position, weight } of weighted) {
    const result = backendDestination(backend, owner, context);
    if ('fatal' in result) return result;
    fault = result.fault ?? fault;
    const filtered = backendHeaders(backend.filters ?? []);
    if ('fatal' in filtered) return filtered;
    const { headers } = filtered;
    places[`.route[${route.length}]`] = `.backendRefs[${position}]`;
    route.push({ destination: result.destination, ...(weight > 0 && { weight }), ...(headers && { headers }) });
  }
  return { parts: { route }, places, fault };
}
