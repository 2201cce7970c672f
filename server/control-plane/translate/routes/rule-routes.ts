import { parseClusterName } from '#domain';
import type { Any, Route, WeightedCluster } from '#xds';
import { fieldOf } from '../../snapshot/config.ts';
import type { HttpRule } from '../../snapshot/http-rule.ts';
import { usesGatewaySemantics } from '../../snapshot/semantics.ts';
import type { VirtualService } from '../../snapshot/virtual-services.ts';
import { configPath, originMetadata } from '../clusters/origin-metadata.ts';
import { filterNames, type IstioRouteAction } from '../envoy-types.ts';
import { sessionOverride } from '../http-filters/sessions.ts';
import { keepsHost } from '../proxy-headers.ts';
import type { OutboundScope } from '../scope.ts';
import { translateCors } from './cors.ts';
import { type DestinationService, destinationCluster } from './destinations.ts';
import { translateFault } from './fault.ts';
import { destinationHash, translateHashPolicy } from './hash-policy.ts';
import { joinMutations, translateHeaders } from './headers.ts';
import { translateMirrors } from './mirror.ts';
import { translateDirectResponse, translateRedirect } from './redirect.ts';
import { translateRetries } from './retries.ts';
import { translateRewrite } from './rewrite.ts';
import { type Answer, ruleParts } from './rule-parts.ts';
import { type SelectedRule, selectRules } from './select-rules.ts';
import { translateTimeout } from './timeouts.ts';

export interface RuleContext {
  readonly scope: OutboundScope;
  readonly listenPort: number;
  readonly gateways: ReadonlySet<string>;
  readonly isTls: boolean;
  /** The service behind a host, as far as this listener knows it. */
  findService(host: string): DestinationService | undefined;
}

/** The HTTP routes of a VirtualService on one listener, in rule order. Source: BuildHTTPRoutesForVirtualService in istio pilot. */
export const translateRules = (virtualService: VirtualService, context: RuleContext): Route[] =>
  selectRules(virtualService, context).map((selected) => translateRule(virtualService, selected, context));

function translateRule(
  virtualService: VirtualService,
  { rule, match, index, routeMatch }: SelectedRule,
  context: RuleContext,
): Route {
  const { spec } = rule;
  const name = match?.name ? `${spec.name ?? ''}.${match.name}` : (spec.name ?? '');
  const headers = translateHeaders(spec.headers);
  const literal = usesGatewaySemantics(virtualService.config);
  const answer = translateAnswer(rule, { ...context, literal, routeMatch }, headers);
  const perFilter = perFilterConfig(rule, answer, context);
  const { filter_metadata } = originMetadata(fieldOf(rule.owner, rule.path), ruleParts(rule, index, answer));
  const route: Route = {
    ...(name !== '' && { name }),
    match: routeMatch,
    ...(match?.statPrefix && { stat_prefix: match.statPrefix }),
    ...headers.mutations,
    ...answer.route,
    // Istio names the root also where a delegate supplied the rule.
    metadata: {
      filter_metadata: { ...filter_metadata, istio: { config: configPath(fieldOf(virtualService.config, '')) } },
    },
    ...(perFilter && { typed_per_filter_config: perFilter }),
  };
  return { ...route, decorator: { operation: operation(route, virtualService.config.name, context.listenPort) } };
}

interface AnswerContext extends RuleContext {
  /** Routes of the Kubernetes Gateway API. */
  readonly literal: boolean;
  readonly routeMatch: Route['match'];
}

function translateAnswer(rule: HttpRule, context: AnswerContext, headers: ReturnType<typeof translateHeaders>): Answer {
  const { spec } = rule;
  if (spec.redirect !== undefined) {
    const redirect = translateRedirect(spec.redirect, { port: context.listenPort, isTls: context.isTls });
    return { route: redirect === undefined ? {} : { redirect }, destinations: [], mirrors: [] };
  }
  if (spec.directResponse !== undefined) {
    return {
      route: { direct_response: translateDirectResponse(spec.directResponse) },
      destinations: [],
      mirrors: [],
    };
  }
  return forward(rule, context, headers);
}

function forward(rule: HttpRule, context: AnswerContext, headers: ReturnType<typeof translateHeaders>): Answer {
  const { spec } = rule;
  const destinations = spec.route ?? [];
  const clusterOf = (destination: (typeof destinations)[number]['destination']): string =>
    destinationCluster(destination, context.findService(destination.host), context.listenPort);
  const used = destinations
    .map((entry, position) => ({ entry, position }))
    .filter(({ entry }) => destinations.length === 1 || (entry.weight ?? 0) > 0);
  const hashes = used.map(({ entry: { destination } }) =>
    destinationHash(context.scope.ruleFor(destination.host), destination),
  );
  const only = destinations.length === 1 ? destinations[0] : undefined;
  const own = translateHeaders(only?.headers);
  const authority = spec.rewrite?.authority || headers.authority || own.authority;
  const mirrors = translateMirrors(spec, clusterOf);
  const hash_policy = hashes.map(translateHashPolicy).filter((hash) => hash !== undefined);
  const retries = translateRetries(
    spec.retries ?? context.scope.snapshot.mesh.defaultHttpRetryPolicy,
    only !== undefined && hashes[0] !== undefined,
  );
  const action: IstioRouteAction = {
    ...(only === undefined
      ? { weighted_clusters: { clusters: used.map(({ entry }) => weightedCluster(entry, clusterOf)) } }
      : { cluster: clusterOf(only.destination) }),
    ...translateTimeout(spec.timeout, context.scope.role === 'grpc'),
    ...(retries && { retry_policy: retries }),
    ...translateRewrite(spec.rewrite, context),
    ...(spec.rewrite && keepsHost(context.scope.snapshot.mesh) && { append_x_forwarded_host: true }),
    ...(context.literal && { cluster_not_found_response_code: 'INTERNAL_SERVER_ERROR' }),
    ...(authority && { host_rewrite_literal: authority }),
    ...(hash_policy.length > 0 && { hash_policy }),
    ...(mirrors.length > 0 && { request_mirror_policies: mirrors.map(({ policy }) => policy) }),
  };
  return {
    route: { ...joinMutations(headers.mutations, own.mutations), route: action },
    destinations: used.map(({ position }) => position),
    mirrors: mirrors.map(({ field }) => field),
  };
}

function weightedCluster(
  entry: NonNullable<HttpRule['spec']['route']>[number],
  clusterOf: (destination: typeof entry.destination) => string,
): WeightedCluster & { host_rewrite_literal?: string } {
  const { mutations, authority } = translateHeaders(entry.headers);
  return {
    name: clusterOf(entry.destination),
    weight: entry.weight ?? 0,
    ...mutations,
    ...(authority && { host_rewrite_literal: authority }),
  };
}

function perFilterConfig(
  { spec }: HttpRule,
  { destinations }: Answer,
  { scope, findService }: RuleContext,
): Record<string, Any> | undefined {
  const fault = translateFault(spec.fault);
  const cors = translateCors(spec.corsPolicy);
  const services = destinations.map((position) => findService(spec.route?.[position]?.destination.host ?? ''));
  const session = sessionOverride(scope.snapshot.mesh, services);
  if (fault === undefined && cors === undefined && session === undefined) return undefined;
  return { ...(fault && { [filterNames.fault]: fault }), ...(cors && { [filterNames.cors]: cors }), ...session };
}

/** A span's name: `host:port/path*`; the rule's name in place of the host when several clusters may answer. */
function operation(route: Route, ruleName: string, listenPort: number): string {
  const { prefix, path, safe_regex } = route.match;
  const suffix = prefix !== undefined ? `${prefix}*` : (path ?? safe_regex?.regex ?? '/*');
  const cluster = route.route?.cluster === undefined ? undefined : parseClusterName(route.route.cluster);
  return cluster === undefined ? `${ruleName}:${listenPort}${suffix}` : `${cluster.host}:${cluster.port}${suffix}`;
}
