import type { RequestMirrorPolicy, RouteAction, RouteMatch, WeightedCluster } from '#xds';
import { compileFormat, type Format } from '../format/template.ts';
import type { RoutePriority } from '../upstream/pool-breakers.ts';
import { type FaultPolicy, readFault } from './fault-policy.ts';
import { type FilterSwitches, ofType, type PerFilter, readPerFilter } from './filter-overrides.ts';
import { compileHashPolicies, type HashPolicy } from './hash-policy.ts';
import { compileHeaderMutations, type HeaderChange } from './header-mutations.ts';
import { compileHeaderRules, type HeaderRules, readHeadText } from './header-rules.ts';
import { type InternalRedirects, readInternalRedirects } from './internal-redirects.ts';
import { balancingLabels } from './labels.ts';
import { ConfigProblem, within } from './problem.ts';
import { compileRegexRewrite, type TextRewrite } from './regex-rewrite.ts';
import { type CompiledRetryPolicy, compileRetryPolicy } from './retry-policy.ts';
import { compileUriRewrite, compileUriTemplate } from './uri-template.ts';
import { ALWAYS, durationMs, type Fields, type Fraction, readRuntimeFraction, record } from './values.ts';

/** Envoy's own route timeout where a configuration names none. */
const DEFAULT_TIMEOUT_MS = 15_000;

export interface ClusterShare {
  /** Empty: the request names it in `clusterHeader`. */
  readonly cluster: string;
  readonly clusterHeader: string;
  readonly weight: number;
  readonly headers: HeaderRules | undefined;
  /** Under which the request is sent to it, unless the route has another. */
  readonly host: string | undefined;
  /** What it gives single filters, and which it switches on or off. */
  readonly perFilter: PerFilter | undefined;
  readonly switches: FilterSwitches | undefined;
  readonly fault: FaultPolicy | undefined;
  /** Labels that its hosts must have, where the cluster has subsets. */
  readonly criteria: Fields | undefined;
}

/** What becomes of the Host header on its way to a host. */
export type HostRewrite =
  | { readonly kind: 'literal'; readonly host: string }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'path'; readonly rewrite: TextRewrite }
  | { readonly kind: 'format'; readonly write: Format }
  /** The name of the host that is chosen. */
  | { readonly kind: 'auto' };

/** Where a copy of the request goes. */
export interface MirrorPolicy {
  /** Empty: the request names it in `clusterHeader`. */
  readonly cluster: string;
  readonly clusterHeader: string;
  readonly share: Fraction;
  /** The copy's host ends in `-shadow`. */
  readonly marksHost: boolean;
  /** Undefined: that of the request itself. */
  readonly host: string | undefined;
  readonly headers: readonly HeaderChange[];
  /** Whether the copy's trace is sampled; undefined: as the request's. */
  readonly sampled: boolean | undefined;
}

export interface ForwardAction {
  readonly kind: 'forward';
  /** At least one; more than one are drawn by weight. */
  readonly shares: readonly ClusterShare[];
  readonly totalWeight: number;
  /** Weights of clusters stand in the runtime under this, a dot and the cluster's name; empty: they do not. */
  readonly weightKey: string;
  /** A request that carries this header brings the number that is drawn otherwise; empty: none does. */
  readonly drawHeader: string;
  /** The number is the hash of the request. */
  readonly drawsByHash: boolean;
  readonly clusterNotFoundStatus: number;
  /** 0: none. */
  readonly timeoutMs: number;
  /** For gRPC `grpc-timeout` counts in place of `timeoutMs`, at most this long (0: as it says); undefined: it does not. */
  readonly maxGrpcTimeoutMs: number | undefined;
  /** So much less, where that leaves anything. */
  readonly grpcTimeoutOffsetMs: number;
  readonly retry: CompiledRetryPolicy | undefined;
  readonly prefixRewrite: string | undefined;
  readonly regexRewrite: TextRewrite | undefined;
  /** The whole path made anew: from what the route's template has captured, or of a format. */
  readonly templateRewrite: ((path: string) => string | undefined) | undefined;
  readonly pathFormat: Format | undefined;
  readonly hostRewrite: HostRewrite | undefined;
  /** A host that is rewritten is told in X-Forwarded-Host. */
  readonly tellsForwardedHost: boolean;
  /** Of silence in either direction; undefined: that of the connection manager, 0: none. */
  readonly silenceMs: number | undefined;
  /** Of the whole stream; undefined: that of the connection manager, 0: none. */
  readonly maxStreamMs: number | undefined;
  /** The route speaks of the whole stream: then nothing limits the answer alone. */
  readonly limitsStream: boolean;
  /** `grpc-timeout` limits the stream, whoever sends it, at most to this (0: as it says); undefined: it does not. */
  readonly grpcStreamMaxMs: number | undefined;
  /** By how much less than `grpc-timeout` says a stream may last. */
  readonly grpcStreamOffsetMs: number;
  readonly mirrors: readonly MirrorPolicy[];
  /** Lower-case values of Upgrade that this route allows or forbids, whatever the listener does. */
  readonly upgrades: ReadonlyMap<string, boolean>;
  /** Tunnels of CONNECT end at this proxy; `posts`: bodies of POST count as such. Undefined: they are passed on. */
  readonly endedTunnels:
    | {
        readonly posts: boolean;
        /** Of the PROXY protocol, whose header names the client to the host; undefined: nobody does. */
        readonly headerVersion: 1 | 2 | undefined;
      }
    | undefined;
  readonly internalRedirects: InternalRedirects | undefined;
  /** What balancers that hash go by. */
  readonly hashPolicies: readonly HashPolicy[];
  /** Which of the cluster's circuit breakers counts. */
  readonly priority: RoutePriority;
}

const NOT_FOUND_STATUS: Readonly<Record<string, number>> = { NOT_FOUND: 404, INTERNAL_SERVER_ERROR: 500 };

/** Reads a RouteAction. Throws ConfigProblem for what this proxy cannot do. */
export function compileForward(action: RouteAction, match: RouteMatch): ForwardAction {
  const shares = compileShares(action);
  const totalWeight = shares.reduce((sum, share) => sum + share.weight, 0);
  if (totalWeight === 0)
    throw new ConfigProblem('weighted_clusters', 'Sum of weights in the weighted_cluster must be greater than 0.');
  refuseSeveralRewrites(action);
  if (action.prefix_rewrite && match.path_match_policy !== undefined) {
    throw new ConfigProblem('prefix_rewrite', 'Cannot use prefix_rewrite with matcher extension');
  }
  const rewrite = action.regex_rewrite;
  return {
    kind: 'forward',
    shares,
    totalWeight,
    weightKey: action.weighted_clusters?.runtime_key_prefix ?? '',
    drawHeader: (action.weighted_clusters?.header_name ?? '').toLowerCase(),
    drawsByHash: action.weighted_clusters?.use_hash_policy === true,
    clusterNotFoundStatus: NOT_FOUND_STATUS[action.cluster_not_found_response_code ?? ''] ?? 503,
    timeoutMs: durationMs(action.timeout, 'timeout', DEFAULT_TIMEOUT_MS),
    maxGrpcTimeoutMs:
      action.max_grpc_timeout === undefined ? undefined : durationMs(action.max_grpc_timeout, 'max_grpc_timeout', 0),
    grpcTimeoutOffsetMs: durationMs(action.grpc_timeout_offset, 'grpc_timeout_offset', 0),
    retry: action.retry_policy && compileRetryPolicy(action.retry_policy),
    // Istio sends an empty text for what a rule does not change.
    prefixRewrite: readHeadText(action.prefix_rewrite, 'prefix_rewrite'),
    regexRewrite: rewrite && compileRegexRewrite(rewrite, 'regex_rewrite'),
    templateRewrite: readTemplateRewrite(action, match),
    pathFormat: action.path_rewrite ? compileFormat(action.path_rewrite, 'path_rewrite', '') : undefined,
    hostRewrite: readHostRewrite(action),
    tellsForwardedHost: action.append_x_forwarded_host === true,
    silenceMs: action.idle_timeout === undefined ? undefined : durationMs(action.idle_timeout, 'idle_timeout', 0),
    maxStreamMs: readMaxStream(action),
    limitsStream: action.max_stream_duration !== undefined,
    grpcStreamMaxMs: readGrpcStreamMax(action),
    grpcStreamOffsetMs: durationMs(
      action.max_stream_duration?.grpc_timeout_header_offset,
      'max_stream_duration.grpc_timeout_header_offset',
      0,
    ),
    mirrors: (action.request_mirror_policies ?? []).map((mirror, i) =>
      within(`request_mirror_policies[${i}]`, () => compileMirror(mirror)),
    ),
    upgrades: new Map(
      (action.upgrade_configs ?? []).map(({ upgrade_type = '', enabled }) => [
        upgrade_type.toLowerCase(),
        enabled !== false,
      ]),
    ),
    endedTunnels: readEndedTunnels(action),
    internalRedirects: action.internal_redirect_policy && readInternalRedirects(action.internal_redirect_policy),
    hashPolicies: compileHashPolicies(action.hash_policy),
    priority: action.priority ?? 'DEFAULT',
  };
}

function refuseSeveralRewrites(action: RouteAction): void {
  const named = ['prefix_rewrite', 'regex_rewrite', 'path_rewrite_policy', 'path_rewrite'] as const;
  const given = named.filter((name) => Boolean(action[name]));
  if (given.length > 1) throw new ConfigProblem(given[0]!, `Specify only one of ${given.join(', ')}`);
}

function readEndedTunnels({ upgrade_configs: configs = [] }: RouteAction): ForwardAction['endedTunnels'] {
  let ended: ForwardAction['endedTunnels'];
  for (const [place, { connect_config: config, upgrade_type: type = '' }] of configs.entries()) {
    if (config === undefined) continue;
    const field = `upgrade_configs[${place}].connect_config`;
    if (type.toUpperCase() !== 'CONNECT')
      throw new ConfigProblem(field, `Non-CONNECT upgrade type ${type} has ConnectConfig`);
    const header = record(config.proxy_protocol_config);
    ended = {
      posts: config.allow_post === true,
      headerVersion: header && (header['version'] === 'V2' ? 2 : 1),
    };
  }
  return ended;
}

const REWRITE = 'type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig';

function readTemplateRewrite(action: RouteAction, match: RouteMatch): ForwardAction['templateRewrite'] {
  const config = action.path_rewrite_policy?.typed_config;
  if (config === undefined) return undefined;
  const field = 'path_rewrite_policy';
  if (config['@type'] !== REWRITE) throw new ConfigProblem(field, `${config['@type']} is not supported`);
  const template = match.path_match_policy?.typed_config?.['path_template'];
  if (template === undefined) throw new ConfigProblem(field, 'needs a path_match_policy with a template');
  const compiled = compileUriTemplate(String(template), 'path_match_policy');
  return compileUriRewrite(String(config['path_template_rewrite'] ?? ''), compiled, field);
}

function compileMirror(given: RequestMirrorPolicy): MirrorPolicy {
  if (Boolean(given.cluster) === Boolean(given.cluster_header)) {
    const why = 'Exactly one of cluster or cluster_header in request mirror policy need to be specified';
    throw new ConfigProblem('cluster', why);
  }
  return {
    cluster: given.cluster ?? '',
    clusterHeader: (given.cluster_header ?? '').toLowerCase(),
    marksHost: given.disable_shadow_host_suffix_append !== true && !given.host_rewrite_literal,
    host: readHeadText(given.host_rewrite_literal, 'host_rewrite_literal'),
    headers: compileHeaderMutations(given.request_headers_mutations, 'request_headers_mutations'),
    share: readRuntimeFraction(given.runtime_fraction, ALWAYS),
    sampled: given.trace_sampled,
  };
}

function readHostRewrite(action: RouteAction): HostRewrite | undefined {
  if (action.host_rewrite) return { kind: 'format', write: compileFormat(action.host_rewrite, 'host_rewrite') };
  const host = readHeadText(action.host_rewrite_literal, 'host_rewrite_literal');
  if (host !== undefined) return { kind: 'literal', host };
  if (action.host_rewrite_header) return { kind: 'header', name: action.host_rewrite_header.toLowerCase() };
  if (action.auto_host_rewrite === true) return { kind: 'auto' };
  const path = action.host_rewrite_path_regex;
  return path && { kind: 'path', rewrite: compileRegexRewrite(path, 'host_rewrite_path_regex') };
}

function readMaxStream({ max_stream_duration: limit }: RouteAction): number | undefined {
  const given = limit?.max_stream_duration;
  return given === undefined ? undefined : durationMs(given, 'max_stream_duration.max_stream_duration', 0);
}

function readGrpcStreamMax({ max_stream_duration: limit }: RouteAction): number | undefined {
  const given = limit?.grpc_timeout_header_max;
  return given === undefined ? undefined : durationMs(given, 'max_stream_duration.grpc_timeout_header_max', 0);
}

function compileShares(action: RouteAction): ClusterShare[] {
  const criteria = balancingLabels(action.metadata_match);
  const filters = { perFilter: undefined, switches: undefined, fault: undefined };
  const alone = { clusterHeader: '', weight: 1, headers: undefined, host: undefined, ...filters, criteria };
  if (action.cluster === '') throw new ConfigProblem('cluster', 'value length must be at least 1 characters');
  if (action.cluster !== undefined) return [{ ...alone, cluster: action.cluster }];
  if (action.cluster_header) return [{ ...alone, cluster: '', clusterHeader: action.cluster_header.toLowerCase() }];
  const plugin = action.cluster_specifier_plugin ?? action.inline_cluster_specifier_plugin?.extension?.name;
  if (plugin !== undefined) {
    throw new ConfigProblem('cluster_specifier_plugin', `this proxy has no plugin "${plugin}" that chooses clusters`);
  }
  const given: readonly WeightedCluster[] = action.weighted_clusters?.clusters ?? [];
  if (given.length === 0) {
    throw new ConfigProblem('cluster_specifier', 'has none of cluster, cluster_header, weighted_clusters');
  }
  return given.map((share, i) => within(`weighted_clusters.clusters[${i}]`, () => compileShare(share, criteria)));
}

function compileShare(share: WeightedCluster, criteria: Fields | undefined): ClusterShare {
  if (Boolean(share.name) === Boolean(share.cluster_header)) {
    throw new ConfigProblem('name', 'At least one of name or cluster_header need to be specified, and not both');
  }
  const { perFilter, switches } = readPerFilter([share.typed_per_filter_config]);
  return {
    criteria: share.metadata_match === undefined ? criteria : { ...criteria, ...balancingLabels(share.metadata_match) },
    cluster: share.name ?? '',
    clusterHeader: (share.cluster_header ?? '').toLowerCase(),
    weight: share.weight ?? 0,
    headers: compileHeaderRules(share),
    host: readHeadText(share.host_rewrite_literal, 'host_rewrite_literal'),
    perFilter,
    switches,
    fault: readFault(ofType(perFilter?.['envoy.filters.http.fault'], 'fault.v3.HTTPFault')),
  };
}
