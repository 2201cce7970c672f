import type { Any, StringMatcher } from '#xds';
import type { GrpcServiceConfig } from '../http/call/grpc-call.ts';
import { type GrpcServiceJson, readGrpcService } from './grpc-service.ts';
import { compileHeaderRule, type HeaderRule } from './header-rules.ts';
import { readStatus, statusCode } from './http-status.ts';
import { compileMetadataMatch, type MetadataMatch, type MetadataMatcherJson } from './metadata-match.ts';
import { type MutationRules, readMutationRules } from './mutation-rules.ts';
import { ConfigProblem } from './problem.ts';
import { compileStringMatch, type StringMatch } from './string-match.ts';
import { ALWAYS, durationMs, type Fraction, readNumber, readRuntimeFraction } from './values.ts';

export type HeaderNames = readonly StringMatch[];

/** An authorizer that is asked by plain HTTP. */
export interface HttpAuthorizer {
  readonly kind: 'http';
  readonly cluster: string;
  readonly timeoutMs: number;
  readonly pathPrefix: string;
  /** Written into each question, by formats about the request. */
  readonly headersToAdd: readonly HeaderRule[];
  /** Headers of its answer that go on to the application, replacing or appended. */
  readonly toUpstream: HeaderNames;
  readonly toUpstreamAppend: HeaderNames;
  /** Headers of its refusal that go to the client; undefined: all. */
  readonly toClient: HeaderNames | undefined;
  readonly toClientOnSuccess: HeaderNames;
  /** Headers of its answer that become metadata of the request. */
  readonly toMetadata: HeaderNames;
}

export interface GrpcAuthorizer {
  readonly kind: 'grpc';
  readonly service: GrpcServiceConfig;
}

/** What routes may say otherwise. */
export interface CheckSettings {
  readonly body: { readonly maxBytes: number; readonly partial: boolean; readonly asBytes: boolean } | undefined;
  readonly contextExtensions: Readonly<Record<string, string>>;
  /** Asked in the place of the filter's own; undefined: nobody can be. */
  readonly authorizer: HttpAuthorizer | GrpcAuthorizer | undefined;
}

export interface ExtAuthzConfig {
  readonly failureModeAllow: boolean;
  readonly failureModeHeader: boolean;
  readonly statusOnError: number;
  /** Of the body of a refusal; 0: all are sent. */
  readonly maxDeniedBytes: number;
  /** Request headers that are told; undefined: all (gRPC) or none (HTTP) beside those that always are. */
  readonly allowedHeaders: HeaderNames | undefined;
  readonly disallowedHeaders: HeaderNames;
  /** The client's certificate is told. */
  readonly tellsCertificate: boolean;
  /** The server name of a client's TLS is told. */
  readonly tellsTls: boolean;
  /** Header values are told as bytes, one by one. */
  readonly rawHeaders: boolean;
  /** Where the route says nothing else. */
  readonly settings: CheckSettings;
  /** The share of requests that are asked about. */
  readonly enabled: Fraction;
  readonly onlyIf: MetadataMatch | undefined;
  /** Who is not asked about is refused. */
  readonly deniesWhereDisabled: boolean;
  /** Which headers of the request it may change; undefined: any. */
  readonly changes: MutationRules | undefined;
  /** An answer with impossible headers refuses the request. */
  readonly validatesChanges: boolean;
  /** Namespaces of metadata of the request and of the route that are told. */
  readonly metadataNamespaces: readonly string[];
  readonly routeMetadataNamespaces: readonly string[];
  /** What the authorizer leaves behind becomes metadata of the request. */
  readonly takesMetadata: boolean;
  readonly statPrefix: string;
  /** A refusal counts among the answers of the route's cluster. */
  readonly chargesCluster: boolean;
  readonly clearRouteCache: boolean;
  /** Refusals are told to filter state and logs, and requests go on. */
  readonly shadow: boolean;
}

interface ListMatcher {
  readonly patterns?: readonly StringMatcher[];
}

interface HttpServiceJson {
  readonly server_uri?: { readonly cluster?: string; readonly timeout?: string };
  readonly path_prefix?: string;
  readonly authorization_request?: {
    readonly headers_to_add?: readonly { readonly key: string; readonly value?: string }[];
    readonly allowed_headers?: ListMatcher;
  };
  readonly authorization_response?: Readonly<
    Partial<
      Record<
        | 'allowed_upstream_headers'
        | 'allowed_upstream_headers_to_append'
        | 'allowed_client_headers'
        | 'allowed_client_headers_on_success'
        | 'dynamic_metadata_from_headers',
        ListMatcher
      >
    >
  >;
}

/** Reads envoy.extensions.filters.http.ext_authz.v3.ExtAuthz. */
export function readExtAuthz(config: Any): ExtAuthzConfig {
  const http = config['http_service'] as HttpServiceJson | undefined;
  const denies = config['deny_at_disable'] as { default_value?: boolean } | undefined;
  const onlyIf = config['filter_enabled_metadata'] as MetadataMatcherJson | undefined;
  if (config['allowed_headers'] !== undefined && http?.authorization_request?.allowed_headers !== undefined) {
    throw new ConfigProblem('allowed_headers', 'Invalid duplicate configuration for allowed_headers.');
  }
  const allowed = (config['allowed_headers'] ?? http?.authorization_request?.allowed_headers) as
    | ListMatcher
    | undefined;
  return {
    failureModeAllow: config['failure_mode_allow'] === true,
    failureModeHeader: config['failure_mode_allow_header_add'] === true,
    maxDeniedBytes: readNumber(config['max_denied_response_body_bytes'], 0),
    statusOnError: readStatus(config['status_on_error'], 'status_on_error') || 403,
    allowedHeaders: readNames(allowed, 'allowed_headers'),
    disallowedHeaders: readNames(config['disallowed_headers'] as ListMatcher | undefined, 'disallowed_headers') ?? [],
    tellsCertificate: config['include_peer_certificate'] === true,
    tellsTls: config['include_tls_session'] === true,
    rawHeaders: config['encode_raw_headers'] === true,
    settings: {
      body: readBody(config['with_request_body'] as BodyJson | undefined),
      contextExtensions: {},
      authorizer: http === undefined ? readGrpc(config) : readHttp(http),
    },
    enabled: readRuntimeFraction(config['filter_enabled'], ALWAYS),
    deniesWhereDisabled: denies?.default_value === true,
    changes: readMutationRules(config['decoder_header_mutation_rules'], 'decoder_header_mutation_rules'),
    validatesChanges: config['validate_mutations'] === true,
    metadataNamespaces: (config['metadata_context_namespaces'] ?? []) as string[],
    routeMetadataNamespaces: (config['route_metadata_context_namespaces'] ?? []) as string[],
    onlyIf: onlyIf && compileMetadataMatch(onlyIf, 'filter_enabled_metadata'),
    takesMetadata: config['enable_dynamic_metadata_ingestion'] !== false,
    statPrefix: String(config['stat_prefix'] ?? ''),
    chargesCluster: config['charge_cluster_response_stats'] !== false,
    clearRouteCache: config['clear_route_cache'] === true,
    shadow: config['shadow_mode'] === true,
  };
}

interface BodyJson {
  readonly max_request_bytes?: number;
  readonly allow_partial_message?: boolean;
  readonly pack_as_bytes?: boolean;
}

const readBody = (body: BodyJson | undefined): CheckSettings['body'] =>
  body && {
    maxBytes: readNumber(body.max_request_bytes, 0),
    partial: body.allow_partial_message === true,
    asBytes: body.pack_as_bytes === true,
  };

interface CheckSettingsJson {
  readonly context_extensions?: Readonly<Record<string, string>>;
  readonly disable_request_body_buffering?: boolean;
  readonly with_request_body?: BodyJson;
  readonly grpc_service?: object;
  readonly http_service?: HttpServiceJson;
}

/** Reads envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute over the filter's own settings. */
export function readCheckSettings(perRoute: Any, own: CheckSettings): CheckSettings {
  const given = perRoute['check_settings'] as CheckSettingsJson | undefined;
  if (given === undefined) return own;
  const { context_extensions: contextExtensions = {}, with_request_body: body } = given;
  const authorizer = readAuthorizerOfRoute(given, own);
  if (given.disable_request_body_buffering === true && body !== undefined) {
    throw new ConfigProblem(
      'check_settings',
      'Only one of disable_request_body_buffering or with_request_body can be set.',
    );
  }
  if (given.disable_request_body_buffering === true) return { body: undefined, contextExtensions, authorizer };
  // As in Envoy, whether a body is told as bytes is the filter's own to say.
  const ownBody = body && { ...readBody(body)!, asBytes: own.body?.asBytes === true };
  return { body: ownBody ?? own.body, contextExtensions, authorizer };
}

/** As in Envoy, a service without a cluster is nobody who could be asked. */
function readAuthorizerOfRoute(given: CheckSettingsJson, own: CheckSettings): CheckSettings['authorizer'] {
  if (given.grpc_service !== undefined) return readGrpc(given as Any);
  if (given.http_service === undefined) return own.authorizer;
  return given.http_service.server_uri?.cluster ? readHttp(given.http_service) : undefined;
}

const readGrpc = (config: Any): GrpcAuthorizer => ({
  kind: 'grpc',
  service: readGrpcService(config['grpc_service'] as GrpcServiceJson | undefined, 'grpc_service', 200),
});

function readHttp(given: HttpServiceJson): HttpAuthorizer {
  const cluster = given.server_uri?.cluster;
  if (cluster === undefined) throw new ConfigProblem('http_service.server_uri', 'has no cluster');
  const { authorization_request: request, authorization_response: response } = given;
  return {
    kind: 'http',
    cluster,
    timeoutMs: durationMs(given.server_uri?.timeout, 'http_service.server_uri.timeout', 200),
    pathPrefix: given.path_prefix ?? '',
    headersToAdd: (request?.headers_to_add ?? []).map((header, i) =>
      compileHeaderRule(
        { header, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
        `authorization_request.headers_to_add[${i}]`,
      ),
    ),
    toUpstream: readNames(response?.allowed_upstream_headers, 'allowed_upstream_headers') ?? [],
    toUpstreamAppend:
      readNames(response?.allowed_upstream_headers_to_append, 'allowed_upstream_headers_to_append') ?? [],
    toClient: readNames(response?.allowed_client_headers, 'allowed_client_headers'),
    toClientOnSuccess:
      readNames(response?.allowed_client_headers_on_success, 'allowed_client_headers_on_success') ?? [],
    toMetadata: readNames(response?.dynamic_metadata_from_headers, 'dynamic_metadata_from_headers') ?? [],
  };
}

const readNames = (given: ListMatcher | undefined, field: string): HeaderNames | undefined =>
  given?.patterns?.map((pattern, i) => compileStringMatch(pattern, `${field}.patterns[${i}]`));

/** envoy.type.v3.StatusCode, by name or number; 403 when it is not set. */
export const statusNumber = (code: unknown): number => statusCode(code) || 403;
