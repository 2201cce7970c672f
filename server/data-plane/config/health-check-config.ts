import type { Cluster, HeaderValueOption, StringMatcher } from '#xds';
import { compileHeaderRules, type HeaderRules } from './header-rules.ts';
import { ConfigProblem, within } from './problem.ts';
import { compileStringMatch, type StringMatch } from './string-match.ts';
import { readUpstreamProtocol } from './upstream-protocol.ts';
import { durationMs, readNumber } from './values.ts';

/** From the first status to the one before the second. */
export type StatusRange = readonly [from: number, to: number];

export interface HttpCheck {
  readonly kind: 'HTTP';
  readonly method: string;
  readonly path: string;
  /** Where the endpoint names none; empty: the cluster's name. */
  readonly host: string;
  readonly headers: HeaderRules | undefined;
  readonly send: Buffer | undefined;
  /** Parts that the answer's body must hold in this order. */
  readonly receive: readonly Buffer[];
  /** Bytes of the body that are looked at; 0: all. */
  readonly bufferBytes: number;
  readonly expected: readonly StatusRange[];
  /** Statuses that count towards the threshold; any other bad one fails at once. */
  readonly retriable: readonly StatusRange[];
  readonly protocol: 'http1' | 'http2';
  readonly serviceName: StringMatch | undefined;
}

export interface TcpCheck {
  readonly kind: 'TCP';
  readonly send: Buffer | undefined;
  /** Empty: a connection is enough. */
  readonly receive: readonly Buffer[];
  /** Each check begins with a PROXY protocol header of this version. */
  readonly headerVersion: 1 | 2 | undefined;
}

export interface GrpcCheck {
  readonly kind: 'GRPC';
  readonly serviceName: string;
  readonly authority: string;
  readonly headers: HeaderRules | undefined;
}

/** An active health check of a cluster's hosts. Times in milliseconds. */
export interface HealthCheckPolicy {
  readonly probe: HttpCheck | TcpCheck | GrpcCheck;
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly unhealthyIntervalMs: number;
  /** While failures count towards the threshold, and while successes do. */
  readonly unhealthyEdgeMs: number;
  readonly healthyEdgeMs: number;
  /** As long as the cluster has not made a connection. */
  readonly noTrafficMs: number;
  readonly noTrafficHealthyMs: number;
  readonly initialJitterMs: number;
  readonly intervalJitterMs: number;
  readonly intervalJitterPercent: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly reuseConnection: boolean;
  /** Changes are written down as Envoy's health check events. */
  readonly logs: boolean;
  readonly logsFailures: boolean;
  readonly logsSuccesses: boolean;
  /** In place of the protocols that the cluster's transport offers. */
  readonly alpn: readonly string[];
  /** In place of the endpoint's labels, where transports are chosen by them. */
  readonly socketMatch: Readonly<Record<string, unknown>> | undefined;
}

interface Payload {
  readonly text?: string;
  readonly binary?: string;
}

interface Fields {
  readonly http_health_check?: {
    readonly host?: string;
    readonly path?: string;
    readonly send?: Payload;
    readonly receive?: readonly Payload[];
    readonly response_buffer_size?: string | number;
    readonly request_headers_to_add?: HeaderValueOption[];
    readonly request_headers_to_remove?: string[];
    readonly expected_statuses?: readonly Range[];
    readonly retriable_statuses?: readonly Range[];
    readonly codec_client_type?: string;
    readonly service_name_matcher?: StringMatcher;
    readonly method?: string;
  };
  readonly tcp_health_check?: {
    readonly send?: Payload;
    readonly receive?: readonly Payload[];
    readonly proxy_protocol_config?: { readonly version?: string };
  };
  readonly grpc_health_check?: {
    readonly service_name?: string;
    readonly authority?: string;
    readonly initial_metadata?: HeaderValueOption[];
  };
  readonly tls_options?: { readonly alpn_protocols?: readonly string[] };
  readonly transport_socket_match_criteria?: Readonly<Record<string, unknown>>;
  readonly event_logger?: readonly unknown[];
  readonly [field: string]: unknown;
}

interface Range {
  readonly start?: string | number;
  readonly end?: string | number;
}

const DEFAULT_BUFFER_BYTES = 1024;
const NO_TRAFFIC_MS = 60_000;
/** Methods whose requests have no body. */
const BODYLESS = new Set(['GET', 'HEAD', 'DELETE', 'TRACE']);

/** Reads envoy.config.core.v3.HealthCheck of a cluster; undefined where hosts are not checked. Throws ConfigProblem. */
export function readHealthCheck(cluster: Cluster): HealthCheckPolicy | undefined {
  const { health_checks: given = [] } = cluster;
  const [first] = given;
  if (first === undefined) return undefined;
  if (given.length > 1) throw new ConfigProblem('health_checks', 'Multiple health checks not supported');
  const policy = within('health_checks[0]', () => readPolicy(first as Fields));
  if (policy.probe.kind === 'GRPC' && readUpstreamProtocol(cluster).protocol !== 'http2') {
    const why = `${cluster.name} cluster must support HTTP/2 for gRPC healthchecking`;
    throw new ConfigProblem('health_checks[0].grpc_health_check', why);
  }
  return policy;
}

function readPolicy(fields: Fields): HealthCheckPolicy {
  const ms = (name: string, fallback: number): number => durationMs(fields[name] as string | undefined, name, fallback);
  const required = (name: string): unknown => {
    if (fields[name] === undefined) throw new ConfigProblem(name, 'value is required');
    return fields[name];
  };
  const intervalMs = durationMs(required('interval') as string, 'interval', 0);
  const unhealthyIntervalMs = ms('unhealthy_interval', intervalMs);
  const noTrafficMs = ms('no_traffic_interval', NO_TRAFFIC_MS);
  return {
    probe: readProbe(fields),
    timeoutMs: durationMs(required('timeout') as string, 'timeout', 0),
    intervalMs,
    unhealthyIntervalMs,
    unhealthyEdgeMs: ms('unhealthy_edge_interval', unhealthyIntervalMs),
    healthyEdgeMs: ms('healthy_edge_interval', intervalMs),
    noTrafficMs,
    noTrafficHealthyMs: ms('no_traffic_healthy_interval', noTrafficMs),
    initialJitterMs: ms('initial_jitter', 0),
    intervalJitterMs: ms('interval_jitter', 0),
    intervalJitterPercent: readNumber(fields['interval_jitter_percent'], 0),
    unhealthyThreshold: readNumber(required('unhealthy_threshold'), 1),
    healthyThreshold: readNumber(required('healthy_threshold'), 1),
    reuseConnection: fields['reuse_connection'] !== false,
    logs: fields['event_log_path'] !== undefined || (fields.event_logger ?? []).length > 0,
    logsFailures: fields['always_log_health_check_failures'] === true,
    logsSuccesses: fields['always_log_health_check_success'] === true,
    alpn: fields.tls_options?.alpn_protocols ?? [],
    socketMatch: fields.transport_socket_match_criteria,
  };
}

function readProbe({ http_health_check: http, tcp_health_check: tcp, grpc_health_check: grpc }: Fields) {
  if (http !== undefined) return within('http_health_check', () => readHttp(http));
  if (tcp !== undefined) return within('tcp_health_check', () => readTcp(tcp));
  if (grpc !== undefined) return within('grpc_health_check', () => readGrpc(grpc));
  throw new ConfigProblem('health_checker', 'has none of http_health_check, tcp_health_check, grpc_health_check');
}

function readHttp(http: NonNullable<Fields['http_health_check']>): HttpCheck {
  if (!http.path) throw new ConfigProblem('path', 'value length must be at least 1 characters');
  const method = http.method === undefined || http.method === 'METHOD_UNSPECIFIED' ? 'GET' : http.method;
  const send = http.send && readPayload(http.send, 'send');
  if (send !== undefined && BODYLESS.has(method)) {
    throw new ConfigProblem('send', `HTTP health check cannot specify a request payload with method '${method}'.`);
  }
  const receive = readPayloads(http.receive);
  const bufferBytes = readNumber(http.response_buffer_size, DEFAULT_BUFFER_BYTES);
  const wanted = receive.reduce((sum, part) => sum + part.length, 0);
  if (bufferBytes !== 0 && wanted > bufferBytes) {
    const why = `The expected response length '${wanted}' is over than http health response buffer size '${bufferBytes}'`;
    throw new ConfigProblem('receive', why);
  }
  const { request_headers_to_add = [], request_headers_to_remove = [] } = http;
  return {
    kind: 'HTTP',
    method,
    path: http.path,
    host: http.host ?? '',
    headers: compileHeaderRules({ request_headers_to_add, request_headers_to_remove }),
    send,
    receive,
    bufferBytes,
    expected: http.expected_statuses?.length ? readRanges(http.expected_statuses, 'expected') : [[200, 201]],
    retriable: readRanges(http.retriable_statuses ?? [], 'retriable'),
    protocol: http.codec_client_type === 'HTTP2' ? 'http2' : 'http1',
    serviceName: http.service_name_matcher && compileStringMatch(http.service_name_matcher, 'service_name_matcher'),
  };
}

const readTcp = (tcp: NonNullable<Fields['tcp_health_check']>): TcpCheck => ({
  kind: 'TCP',
  send: tcp.send && readPayload(tcp.send, 'send'),
  receive: readPayloads(tcp.receive),
  headerVersion: tcp.proxy_protocol_config && (tcp.proxy_protocol_config.version === 'V2' ? 2 : 1),
});

const readGrpc = (grpc: NonNullable<Fields['grpc_health_check']>): GrpcCheck => ({
  kind: 'GRPC',
  serviceName: grpc.service_name ?? '',
  authority: grpc.authority ?? '',
  headers: compileHeaderRules({ request_headers_to_add: grpc.initial_metadata ?? [] }),
});

const readPayloads = (given: readonly Payload[] = []): Buffer[] =>
  given.map((payload, i) => readPayload(payload, `receive[${i}]`));

/** Text is written in hexadecimal digits. */
function readPayload({ text = '', binary }: Payload, field: string): Buffer {
  if (binary !== undefined) return Buffer.from(binary, 'base64');
  if (!/^(?:[0-9a-f]{2})+$/i.test(text)) throw new ConfigProblem(field, `invalid hex string '${text}'`);
  return Buffer.from(text, 'hex');
}

function readRanges(ranges: readonly Range[], kind: 'expected' | 'retriable'): StatusRange[] {
  return ranges.map(({ start, end }, i) => {
    const [from, to] = [readNumber(start, 0), readNumber(end, 0)];
    const field = `${kind}_statuses[${i}]`;
    const range = `Invalid http ${kind} status range`;
    if (from >= to) {
      const found = `found start=${from} and end=${to}`;
      throw new ConfigProblem(field, `${range}: expecting start < end, but ${found}`);
    }
    if (from < 100) throw new ConfigProblem(field, `${range}: expecting start >= 100, but found start=${from}`);
    if (to > 600) throw new ConfigProblem(field, `${range}: expecting end <= 600, but found end=${to}`);
    return [from, to];
  });
}
