import type { Any } from '#xds';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import { type ProviderCluster, providerCluster } from '../clusters/provider-cluster.ts';
import { type AccessLog, DEFAULT_TEXT_FORMAT, requestFormatters } from './access-log.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.access_loggers';

interface LogService {
  readonly service?: string;
  readonly port?: number;
  readonly logName?: string;
  readonly filterStateObjectsToLog?: readonly string[];
}

interface HttpLogService extends LogService {
  readonly additionalRequestHeadersToLog?: readonly string[];
  readonly additionalResponseHeadersToLog?: readonly string[];
  readonly additionalResponseTrailersToLog?: readonly string[];
}

interface OpenTelemetryLogService extends LogService {
  readonly logFormat?: { readonly text?: string; readonly labels?: Readonly<Record<string, unknown>> };
}

/** What the two sides' proxies know of each other. */
const PEERS = ['upstream_peer', 'downstream_peer'];
/** With the names that they had before Istio 1.24. */
const ALL_PEERS = [
  ...PEERS,
  ...['wasm.upstream_peer', 'wasm.upstream_peer_id', 'wasm.downstream_peer', 'wasm.downstream_peer_id'],
];

type Provider = Readonly<Record<string, unknown>>;

/** Providers that take logs over gRPC. */
const KINDS = { envoyHttpAls: httpLog, envoyTcpAls: tcpLog, envoyOtelAls: openTelemetryLog } as const;

export const isLogService = (provider: Provider): boolean =>
  Object.keys(KINDS).some((kind) => provider[kind] !== undefined);

/** The log that a provider takes over gRPC; undefined where its service is not known. Source: telemetryAccessLog in istio pilot. */
export function serviceLog(snapshot: MeshSnapshot, provider: Provider): AccessLog | undefined {
  for (const [kind, build] of Object.entries(KINDS)) {
    const given = provider[kind] as LogService | undefined;
    if (given === undefined) continue;
    const target = providerCluster(snapshot, given.service ?? '', given.port ?? 0);
    return typeof target === 'string' ? undefined : build(given, target);
  }
  return undefined;
}

function httpLog(given: HttpLogService, target: ProviderCluster): AccessLog {
  const objects = given.filterStateObjectsToLog?.length ? given.filterStateObjectsToLog : PEERS;
  return httpGrpcLog(commonConfig(given.logName || 'http_envoy_accesslog', target, objects), {
    ...listed('additional_request_headers_to_log', given.additionalRequestHeadersToLog),
    ...listed('additional_response_headers_to_log', given.additionalResponseHeadersToLog),
    ...listed('additional_response_trailers_to_log', given.additionalResponseTrailersToLog),
  });
}

function tcpLog(given: LogService, target: ProviderCluster): AccessLog {
  const objects = given.filterStateObjectsToLog?.length ? given.filterStateObjectsToLog : PEERS;
  return tcpGrpcLog(commonConfig(given.logName || 'tcp_envoy_accesslog', target, objects));
}

function openTelemetryLog({ logName, logFormat = {} }: OpenTelemetryLogService, target: ProviderCluster): AccessLog {
  const body = logFormat.text || DEFAULT_TEXT_FORMAT;
  const labels = Object.entries(logFormat.labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const values = labels.map(([key, value]) => ({
    key,
    value: { string_value: typeof value === 'string' ? value : '' },
  }));
  const typed_config: Any = {
    '@type': `${TYPE}.open_telemetry.v3.OpenTelemetryAccessLogConfig`,
    common_config: commonConfig(logName || 'otel_envoy_accesslog', target, ALL_PEERS),
    disable_builtin_labels: true,
    body: { string_value: body },
    ...(values.length > 0 && { attributes: { values } }),
    ...requestFormatters(JSON.stringify([body, labels])),
  };
  return { name: 'envoy.access_loggers.open_telemetry', typed_config };
}

const listed = (field: string, values: readonly string[] | undefined) => (values?.length ? { [field]: values } : {});

interface CommonConfig {
  readonly log_name: string;
  readonly grpc_service: object;
  readonly transport_api_version: 'V3';
  readonly filter_state_objects_to_log: readonly string[];
}

const commonConfig = (
  log_name: string,
  { hostname, cluster }: ProviderCluster,
  filter_state_objects_to_log: readonly string[],
): CommonConfig => ({
  log_name,
  grpc_service: { envoy_grpc: { cluster_name: cluster, ...(hostname !== '' && { authority: hostname }) } },
  transport_api_version: 'V3',
  filter_state_objects_to_log,
});

const httpGrpcLog = (common_config: CommonConfig, fields: object = {}): AccessLog => ({
  name: 'envoy.access_loggers.http_grpc',
  typed_config: { '@type': `${TYPE}.grpc.v3.HttpGrpcAccessLogConfig`, common_config, ...fields },
});

const tcpGrpcLog = (common_config: CommonConfig): AccessLog => ({
  name: 'envoy.tcp_grpc_access_log',
  typed_config: { '@type': `${TYPE}.grpc.v3.TcpGrpcAccessLogConfig`, common_config },
});

/** The cluster that a proxy's bootstrap has for meshConfig.defaultConfig.envoyAccessLogService. */
const BOOTSTRAP_SERVICE: ProviderCluster = { hostname: '', cluster: 'envoy_accesslog_service' };

/** What meshConfig.enableEnvoyAccessLogService adds to filters and to listeners. Source: accesslog.go in istio pilot. */
export const BOOTSTRAP_LOGS = {
  http: httpGrpcLog(commonConfig('http_envoy_accesslog', BOOTSTRAP_SERVICE, ALL_PEERS)),
  tcp: tcpGrpcLog(commonConfig('tcp_envoy_accesslog', BOOTSTRAP_SERVICE, ALL_PEERS)),
  listener: tcpGrpcLog(commonConfig('listener_envoy_accesslog', BOOTSTRAP_SERVICE, ALL_PEERS)),
} as const;
