import { ISTIO_LOG_FORMAT } from '#data-plane';
import type { Listener } from '#xds';
import type { ChainsInForce } from './chains-in-force.ts';
import { type StatsPlans, withoutStatsFilters } from './stats-plans.ts';

/** Headers that an Envoy writes down; it has no word for all of them. */
const REQUEST_HEADERS = [
  ...['user-agent', 'accept', 'content-type', 'content-length', 'cookie', 'authorization', 'end-user', 'origin'],
  ...['te', 'upgrade', 'x-request-id', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'],
  ...['x-forwarded-client-cert', 'x-envoy-attempt-count', 'x-envoy-decorator-operation', 'x-envoy-original-path'],
  ...[
    'x-envoy-peer-metadata',
    'x-envoy-peer-metadata-id',
    'x-envoy-internal',
    'x-envoy-external-address',
    'x-envoy-expected-rq-timeout-ms',
  ],
  ...['x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'b3', 'traceparent', 'grpc-timeout'],
];
const RESPONSE_HEADERS = [
  ...['server', 'content-type', 'content-length', 'location', 'retry-after', 'set-cookie', 'cache-control'],
  ...[
    'x-envoy-peer-metadata',
    'x-envoy-upstream-service-time',
    'x-envoy-overloaded',
    'x-local-rate-limit',
    'grpc-status',
    'grpc-message',
  ],
];

const headers = (operator: 'REQ' | 'RESP', names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, `%${operator}(${name})%`]));

/** What an Envoy tells of a request or a connection; absent values are null, or `-` where Envoy itself writes it. */
export interface HopEntry {
  readonly direction: 'inbound' | 'outbound';
  /** Whether this listener has a tracer, which writes its own span into the request. */
  readonly traces: 'yes' | 'no';
  readonly kind: 'http' | 'tcp';
  /** Which statistics filters stood in the chain, by their numbers. */
  readonly plans: string;
  /** The mark of the filter chain; empty for the listener itself. */
  readonly chain: string;
  /** Milliseconds since 1970. */
  readonly start: string;
  readonly duration: number;
  readonly protocol: string | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly authority: string | null;
  readonly server_name: string | null;
  readonly status: number;
  readonly grpc_status: number | string | null;
  readonly flags: string;
  readonly details: string | null;
  readonly terminated: string | null;
  readonly transport_failure: string | null;
  readonly received: number;
  readonly sent: number;
  readonly chain_name: string | null;
  readonly route: string | null;
  readonly cluster: string | null;
  readonly host: string | null;
  /** What istiod says of the cluster's services, and of the workload behind the host. */
  readonly services: unknown;
  readonly workload: string | null;
  /** The addresses of the connection to the host, and of that from the client. */
  readonly upstream_local: string | null;
  readonly remote: string;
  readonly local: string;
  readonly attempts: number;
  readonly client_uri: string | null;
  readonly host_uri: string | null;
  /** Of their connections: version, cipher, and the peer's certificate as URL-encoded PEM. */
  readonly client_tls: string | null;
  readonly client_cipher: string | null;
  readonly client_certificate: string | null;
  readonly host_tls: string | null;
  readonly host_cipher: string | null;
  readonly host_certificate: string | null;
  readonly stream: string | null;
  readonly line: string;
  /** What the resources say of the YAML behind them, as `filter_metadata.meshwork` has it. */
  readonly origins: Readonly<Record<'chain' | 'route' | 'cluster' | 'host', unknown>>;
  readonly request_headers: Readonly<Record<string, string | null>>;
  readonly response_headers: Readonly<Record<string, string | null>>;
}

/** What is known when the configuration comes. */
type Known = Pick<HopEntry, 'direction' | 'traces' | 'kind' | 'plans' | 'chain'>;

/** Which command of Envoy's formats tells which fact. Those of requests are empty for a connection. */
const FORMAT: Readonly<Record<Exclude<keyof HopEntry, keyof Known | 'path' | 'authority'>, string | object>> = {
  start: '%START_TIME(%s%3f)%',
  duration: '%DURATION%',
  protocol: '%PROTOCOL%',
  method: '%REQ(:METHOD)%',
  server_name: '%REQUESTED_SERVER_NAME%',
  status: '%RESPONSE_CODE%',
  grpc_status: '%GRPC_STATUS_NUMBER%',
  flags: '%RESPONSE_FLAGS%',
  details: '%RESPONSE_CODE_DETAILS%',
  terminated: '%CONNECTION_TERMINATION_DETAILS%',
  transport_failure: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  received: '%BYTES_RECEIVED%',
  sent: '%BYTES_SENT%',
  chain_name: '%FILTER_CHAIN_NAME%',
  route: '%ROUTE_NAME%',
  cluster: '%UPSTREAM_CLUSTER_RAW%',
  host: '%UPSTREAM_HOST%',
  services: '%CLUSTER_METADATA(istio:services)%',
  workload: '%UPSTREAM_METADATA(istio:workload)%',
  upstream_local: '%UPSTREAM_LOCAL_ADDRESS%',
  remote: '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%',
  local: '%DOWNSTREAM_LOCAL_ADDRESS%',
  attempts: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  client_uri: '%DOWNSTREAM_PEER_URI_SAN%',
  host_uri: '%UPSTREAM_PEER_URI_SAN%',
  client_tls: '%DOWNSTREAM_TLS_VERSION%',
  client_cipher: '%DOWNSTREAM_TLS_CIPHER%',
  client_certificate: '%DOWNSTREAM_PEER_CERT%',
  host_tls: '%UPSTREAM_TLS_VERSION%',
  host_cipher: '%UPSTREAM_TLS_CIPHER%',
  host_certificate: '%UPSTREAM_PEER_CERT%',
  stream: '%STREAM_ID%',
  line: ISTIO_LOG_FORMAT,
  origins: {
    chain: '%METADATA(LISTENER_FILTER_CHAIN:meshwork)%',
    route: '%METADATA(ROUTE:meshwork)%',
    cluster: '%METADATA(CLUSTER:meshwork)%',
    host: '%METADATA(UPSTREAM_HOST:meshwork)%',
  },
  request_headers: headers('REQ', REQUEST_HEADERS),
  response_headers: headers('RESP', RESPONSE_HEADERS),
};

/** Path and host as the proxy got them: inbound, the headers tell what the caller's proxy got. */
const RECEIVED = {
  inbound: { path: '%REQ(:PATH)%', authority: '%REQ(:AUTHORITY)%' },
  outbound: { path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%', authority: '%REQ(X-ENVOY-ORIGINAL-HOST?:AUTHORITY)%' },
} as const;

type Fields = Readonly<Record<string, unknown>>;

/** Connections that no filter chain takes are the listener's own. */
const NO_CHAIN = { response_flag_filter: { flags: ['NR'] } };

const HTTP = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TCP = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';

export interface Telling {
  /** Where hops are written down. */
  readonly file: string;
  readonly direction: HopEntry['direction'];
  readonly plans: StatsPlans;
  readonly chains: ChainsInForce;
}

/**
 * The listener with one more access log for each filter that ends its chains: it tells every hop to a file, a line of JSON each. Filters that
 * count are taken out: who reads the file counts.
 */
export function tellingHops(listener: Listener, telling: Telling): Listener {
  const { access_log, filter_chains, default_filter_chain } = listener as unknown as Fields;
  const { chains, file, direction } = telling;
  const given = (filter_chains as readonly Fields[] | undefined) ?? [];
  const last = default_filter_chain as Fields | undefined;
  const marks = chains.sent(listener.name, last === undefined ? given : [...given, last]);
  const change = (chain: Fields, place: number): Fields => withLoggers(chain, marks[place] ?? '', telling);
  const known: Known = { direction, traces: 'no', kind: 'tcp', plans: '', chain: '' };
  const unmatched = { ...loggerOf(file, known), filter: NO_CHAIN };
  return {
    ...listener,
    access_log: [...((access_log as readonly unknown[]) ?? []), unmatched],
    ...(filter_chains !== undefined && { filter_chains: given.map(change) }),
    ...(last !== undefined && { default_filter_chain: change(last, given.length) }),
  } as Listener;
}

function withLoggers(given: Fields, mark: string, { file, direction, plans }: Telling): Fields {
  const { chain, configs } = withoutStatsFilters(given);
  const filters = (chain['filters'] as readonly Fields[] | undefined)?.map((filter) => {
    const config = filter['typed_config'] as Fields | undefined;
    const type = String(config?.['@type'] ?? '').replace(/^.*\//, '');
    if (config === undefined || (type !== HTTP && type !== TCP)) return filter;
    const traces = (config['tracing'] as Fields | undefined)?.['provider'] === undefined ? 'no' : 'yes';
    const logger = loggerOf(file, {
      direction,
      traces,
      kind: type === HTTP ? 'http' : 'tcp',
      plans: plans.numbersOf(configs),
      chain: mark,
    });
    return {
      ...filter,
      typed_config: { ...config, access_log: [...((config['access_log'] as readonly unknown[]) ?? []), logger] },
    };
  });
  return filters === undefined ? chain : { ...chain, filters };
}

const loggerOf = (path: string, known: Known): object => ({
  name: 'meshwork.hops',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
    path,
    log_format: { json_format: { ...known, ...FORMAT, ...RECEIVED[known.direction] } },
  },
});
