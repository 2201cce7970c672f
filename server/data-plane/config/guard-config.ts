import type { Any, FilterChain } from '#xds';
import type { GrpcServiceConfig } from '../http/call/grpc-call.ts';
import { checkFilter } from './filter-bounds.ts';
import { type GrpcServiceJson, readGrpcService } from './grpc-service.ts';
import { type BucketJson, readBucket, type TokenBucketConfig } from './local-rate-limit-config.ts';
import { compileMetadataMatch, type MetadataMatch, type MetadataMatcherJson } from './metadata-match.ts';
import { ConfigProblem, unknownExtension, within } from './problem.ts';
import { type RbacFilterConfig, readRbac } from './rbac/rbac.ts';
import { durationMs, readNumber } from './values.ts';

/** A service that is asked about a connection. */
export interface ConnectionAuthorizer {
  readonly statPrefix: string;
  readonly service: GrpcServiceConfig;
  readonly failureModeAllow: boolean;
  readonly onlyIf: MetadataMatch | undefined;
}

/** A network filter that judges a connection by who the client is, at its first bytes. */
export type Guard =
  | { readonly kind: 'rbac'; readonly config: RbacFilterConfig; readonly delayDenyMs: number }
  | { readonly kind: 'ext_authz'; readonly config: ConnectionAuthorizer };

/** A network filter that counts connections, when they open. */
export type Admission =
  | {
      readonly kind: 'connection_limit';
      readonly statPrefix: string;
      readonly max: number;
      /** Connections beyond the limit are closed so much later. */
      readonly delayMs: number;
    }
  | { readonly kind: 'local_ratelimit'; readonly statPrefix: string; readonly limit: ConnectionRate };

/** How many connections may open in a time. */
export interface ConnectionRate {
  readonly bucket: TokenBucketConfig;
  /** Filters that share the key and an equal bucket draw from the same one; empty: from its own. */
  readonly shareKey: string;
}

/** The network filters before the one that takes the connection. */
export interface ConnectionFilters {
  readonly admissions: readonly Admission[];
  readonly guards: readonly Guard[];
  /** A TCP connection goes to the cluster that bears the server name which the client asks for. */
  readonly clusterBySni: boolean;
}

const TYPE = 'type.googleapis.com/envoy.extensions.filters.network.';

type Part = Admission | Guard | { readonly kind: 'sni_cluster' } | undefined;

const READERS: Readonly<Record<string, (config: Any) => Part>> = {
  [`${TYPE}rbac.v3.RBAC`]: (config) => ({
    kind: 'rbac',
    config: readRbac(config, 'connections'),
    delayDenyMs: durationMs(config['delay_deny'] as string | undefined, 'delay_deny', 0),
  }),
  [`${TYPE}ext_authz.v3.ExtAuthz`]: (config) => ({ kind: 'ext_authz', config: readAuthorizer(config) }),
  [`${TYPE}connection_limit.v3.ConnectionLimit`]: readConnectionLimit,
  [`${TYPE}local_ratelimit.v3.LocalRateLimit`]: readConnectionRate,
  [`${TYPE}sni_cluster.v3.SniCluster`]: () => ({ kind: 'sni_cluster' }),
};

/** Types of the configurations of all that may stand before the filter that takes a connection. */
export const GUARD_TYPES: readonly string[] = Object.keys(READERS);

/** Reads the network filters that stand before the one that takes the connection. */
export function readConnectionFilters(filters: FilterChain['filters']): ConnectionFilters {
  const parts = filters.flatMap((filter, i) => within(`filters[${i}]`, () => readPart(filter)) ?? []);
  return {
    admissions: parts.filter((part) => part.kind === 'connection_limit' || part.kind === 'local_ratelimit'),
    guards: parts.filter((part) => part.kind === 'rbac' || part.kind === 'ext_authz'),
    clusterBySni: parts.some(({ kind }) => kind === 'sni_cluster'),
  };
}

function readPart({ name, typed_config: config }: FilterChain['filters'][number]): Part {
  const read = READERS[config?.['@type'] ?? ''];
  if (read === undefined || config === undefined) throw unknownExtension('name', name, config);
  return within(name, () => {
    checkFilter(config);
    return read(config);
  });
}

/** Reads envoy.extensions.filters.network.ext_authz.v3.ExtAuthz. */
function readAuthorizer(config: Any): ConnectionAuthorizer {
  const onlyIf = config['filter_enabled_metadata'] as MetadataMatcherJson | undefined;
  return {
    statPrefix: String(config['stat_prefix'] ?? ''),
    service: readGrpcService(config['grpc_service'] as GrpcServiceJson | undefined, 'grpc_service', 200),
    failureModeAllow: config['failure_mode_allow'] === true,
    onlyIf: onlyIf && compileMetadataMatch(onlyIf, 'filter_enabled_metadata'),
  };
}

/** Reads envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit. */
function readConnectionLimit(config: Any): Admission | undefined {
  const max = readNumber(config['max_connections'], 0);
  if (max < 1) throw new ConfigProblem('max_connections', 'value must be greater than or equal to 1');
  const delayMs = durationMs(config['delay'] as string | undefined, 'delay', 0);
  if (isOff(config)) return undefined;
  return { kind: 'connection_limit', statPrefix: readPrefix(config), max, delayMs };
}

/** Reads envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit. */
function readConnectionRate(config: Any): Admission | undefined {
  const limit = { bucket: requiredBucket(config), shareKey: String(config['share_key'] ?? '') };
  return isOff(config) ? undefined : { kind: 'local_ratelimit', statPrefix: readPrefix(config), limit };
}

/** Reads the `token_bucket` of a filter that has to have one. */
export function requiredBucket(config: Any): TokenBucketConfig {
  const given = config['token_bucket'] as BucketJson | undefined;
  if (given === undefined) throw new ConfigProblem('token_bucket', 'value is required');
  return readBucket(given, 'token_bucket');
}

function readPrefix(config: Any): string {
  const given = config['stat_prefix'];
  if (typeof given !== 'string' || given === '')
    throw new ConfigProblem('stat_prefix', 'value length must be at least 1 characters');
  return given;
}

/** A RuntimeFeatureFlag: nothing changes it while the proxy runs. */
export const isOff = (config: Any, field = 'runtime_enabled'): boolean =>
  (config[field] as { default_value?: boolean } | undefined)?.default_value === false;
