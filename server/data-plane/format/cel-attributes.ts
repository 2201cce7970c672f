import { grpcStatusOf } from '../http/grpc.ts';
import { parseSubjectAltNames } from '../tls/subject-alt-names.ts';
import { celDuration } from './cel-values.ts';
import { flagBits } from './flag-bits.ts';
import { responseHeadersBytes } from './messages.ts';
import type { FormatSubject, MetadataKind } from './subject.ts';

type Attributes = Readonly<Record<string, unknown>>;

/** Without what is not known, so that `has()` tells. */
function known(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined && value !== ''));
}

/** Envoy's attributes of a request and its connection. Source: attributes, Envoy's documentation. */
export function celAttributes(subject: FormatSubject): Record<string, unknown> {
  const { connection } = subject;
  const { remoteAddress = connection.remoteAddress } = subject;
  return {
    request: requestOf(subject),
    response: responseOf(subject),
    connection: connectionOf(subject),
    source: { address: `${remoteAddress.ip}:${remoteAddress.port}`, port: BigInt(remoteAddress.port) },
    destination: {
      address: `${connection.localAddress.ip}:${connection.localAddress.port}`,
      port: BigInt(connection.localAddress.port),
    },
    upstream: upstreamOf(subject),
    xds: xdsOf(subject),
    metadata: { filter_metadata: subject.dynamicMetadata?.all() ?? {} },
    filter_state: { ...peersOf(subject), ...subject.filterState?.all() },
  };
}

/** Whom Istio's filters found at the other end. Source: WorkloadMetadataObject::serializeAsProto, Envoy's contrib. */
export function peersOf({ connection, peer }: FormatSubject): Attributes {
  if (peer === undefined) return {};
  const told = known({
    name: peer.pod,
    workload: peer.workload,
    namespace: peer.namespace,
    cluster: peer.cluster,
    service: peer.service,
    revision: peer.version,
    app: peer.app,
    version: peer.appVersion,
  });
  return connection.direction === 'inbound' ? { downstream_peer: told } : { upstream_peer: told };
}

function requestOf({ head, info }: FormatSubject): Attributes {
  const time = new Date(info.startMs);
  if (head.method === '') return { time };
  const [path = '', query = ''] = head.path.split(/\?(.*)/s);
  const told = known({
    path: head.path,
    url_path: path,
    host: head.authority,
    scheme: head.scheme,
    method: head.method,
    protocol: head.protocol,
    headers: withHost(
      headersOf(head.headers.entries(), {
        ':path': head.path,
        ':method': head.method,
        ':authority': head.authority,
        ':scheme': head.scheme,
      }),
      head.authority,
    ),
    id: head.headers.get('x-request-id'),
    referer: head.headers.get('referer'),
    useragent: head.headers.get('user-agent'),
    size: BigInt(info.bytesReceived),
    total_size: BigInt(info.bytesReceived + head.headers.flat.reduce((sum, each) => sum + each.length, 0)),
    time,
    duration: info.durationMs > 0 ? celDuration(info.durationMs) : undefined,
  });
  // Also a request without a query has one.
  return { ...told, query };
}

/** Who asks for `host` is told the authority, which no list of the headers shows by that name. */
const withHost = (headers: Record<string, string>, host: string): Record<string, string> =>
  Object.defineProperty(headers, 'host', { value: host });

const HIGHEST_GRPC = 16;

/** Of every answer: what an HTTP status stands for where the host tells none, and -1 for what is no status. */
function grpcStatus({ responseHead, responseTrailers, info }: FormatSubject): bigint | undefined {
  const told = responseTrailers?.get('grpc-status') ?? responseHead?.headers.get('grpc-status');
  if (told === undefined) return info.status > 0 ? BigInt(grpcStatusOf(info.status)) : undefined;
  return /^\d+$/.test(told) && Number(told) <= HIGHEST_GRPC ? BigInt(told) : -1n;
}

function responseOf(subject: FormatSubject): Attributes {
  const { head, responseHead, responseTrailers, info } = subject;
  return known({
    ...(head.method !== '' && info.status > 0 && { code: BigInt(info.status) }),
    code_details: info.details,
    flags: BigInt(flagBits(info.flags)),
    grpc_status: grpcStatus(subject),
    headers: responseHead && headersOf(responseHead.headers.entries(), { ':status': String(responseHead.status) }),
    trailers: responseHead && headersOf(responseTrailers?.entries() ?? [], {}),
    size: BigInt(info.bytesSent),
    total_size: BigInt(info.bytesSent + responseHeadersBytes(subject)),
  });
}

function connectionOf({ connection, info }: FormatSubject): Attributes {
  const { tls } = connection;
  const local = tls?.certificates?.().local;
  const peer = parseSubjectAltNames(tls?.certificates?.().peer?.subjectAltName);
  const told = known({
    ...(connection.id !== undefined && { id: BigInt(connection.id) }),
    mtls: (tls?.peerCertificateHash ?? '') !== '',
    tls_version: tls?.version,
    uri_san_peer_certificate: tls?.peerSpiffeId,
    dns_san_peer_certificate: peer.dns[0],
    uri_san_local_certificate: parseSubjectAltNames(local?.subjectAltName).uris[0],
    subject_peer_certificate: tls?.peerSubject,
    sha256_peer_certificate_digest: tls?.peerCertificateHash,
    termination_details: info.connectionTerminationDetails,
    transport_failure_reason: info.downstreamTransportFailure,
  });
  return { ...told, requested_server_name: connection.requestedServerName };
}

function upstreamOf({ info, upstreamTls, endpoint }: FormatSubject): Attributes {
  const port = Number(/:(\d+)$/.exec(info.upstreamHost)?.[1] ?? 0);
  const [region, zone, sub_zone] = endpoint?.locality.key.split('/') ?? [];
  const told = known({
    address: info.upstreamHost,
    ...(port > 0 && { port: BigInt(port) }),
    local_address: info.upstreamLocalAddress,
    request_attempt_count: BigInt(info.attempts),
    tls_version: upstreamTls?.version,
    uri_san_peer_certificate: upstreamTls?.peerSpiffeId,
    subject_peer_certificate: upstreamTls?.peerSubject,
    sha256_peer_certificate_digest: upstreamTls?.peerCertificateHash,
  });
  if (info.upstreamHost === '') return told;
  return {
    ...told,
    transport_failure_reason: info.transportFailure,
    locality: known({ region, zone, sub_zone }),
  };
}

/** Numbers of envoy.config.core.v3.TrafficDirection. */
const DIRECTIONS = { UNSPECIFIED: 0n, INBOUND: 1n, OUTBOUND: 2n } as const;

function xdsOf(subject: FormatSubject): Attributes {
  const { connection, info } = subject;
  const held = (kind: MetadataKind): unknown => subject.resourceMetadata?.(kind);
  const routed = info.routeResolutions > 0 && !info.flags.includes('NR');
  const told = known({
    node: subject.proxy?.node,
    cluster_name: info.flags.includes('NC') ? '' : info.cluster,
    listener_direction: DIRECTIONS[connection.listener?.resource?.traffic_direction ?? 'UNSPECIFIED'],
    cluster_metadata: held('CLUSTER') ?? (info.upstreamHost === '' ? undefined : {}),
    route_metadata: held('ROUTE') ?? (routed ? {} : undefined),
    listener_metadata: held('LISTENER') ?? {},
    upstream_host_metadata: held('UPSTREAM_HOST') ?? (info.upstreamHost === '' ? undefined : {}),
    virtual_host_metadata: held('VIRTUAL_HOST'),
  });
  return { ...told, filter_chain_name: connection.chain?.name ?? '', ...(routed && { route_name: info.routeName }) };
}

function headersOf(entries: readonly [string, string][], pseudo: Record<string, string>): Record<string, string> {
  const headers = pseudo;
  for (const [name, value] of entries) {
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]},${value}`;
  }
  return headers;
}
