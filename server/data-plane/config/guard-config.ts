import type { Any, FilterChain } from '#xds';
import type { GrpcServiceConfig } from '../http/call/grpc-call.ts';
import { type GrpcServiceJson, readGrpcService } from './grpc-service.ts';
import { compileMetadataMatch, type MetadataMatch, type MetadataMatcherJson } from './metadata-match.ts';
import { unknownExtension, within } from './problem.ts';
import { type RbacFilterConfig, readRbac } from './rbac/rbac.ts';

/** A service that is asked about a connection. */
export interface ConnectionAuthorizer {
  readonly statPrefix: string;
  readonly service: GrpcServiceConfig;
  readonly failureModeAllow: boolean;
  readonly onlyIf: MetadataMatch | undefined;
}

/** A network filter that lets a connection pass or not. */
export type Guard =
  | { readonly kind: 'rbac'; readonly config: RbacFilterConfig }
  | { readonly kind: 'ext_authz'; readonly config: ConnectionAuthorizer };

const TYPE = 'type.googleapis.com/envoy.extensions.filters.network.';

const READERS: Readonly<Record<string, (config: Any) => Guard>> = {
  [`${TYPE}rbac.v3.RBAC`]: (config) => ({ kind: 'rbac', config: readRbac(config) }),
  [`${TYPE}ext_authz.v3.ExtAuthz`]: (config) => ({ kind: 'ext_authz', config: readAuthorizer(config) }),
};

/** Reads a network filter that stands before the one that takes the connection. */
export function readGuard({ name, typed_config: config }: FilterChain['filters'][number]): Guard {
  const read = READERS[config?.['@type'] ?? ''];
  if (read === undefined || config === undefined) throw unknownExtension('name', name, config);
  return within(name, () => read(config));
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
