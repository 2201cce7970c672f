import { parseSubjectAltNames } from '../tls/subject-alt-names.ts';
import { flagBits } from './flag-bits.ts';
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
    headers: headersOf(head.headers.entries(), {
      ':path': head.path,
      ':method': head.method,
      ':authority': head.authority,
      ':scheme': head.scheme,
    }),
    id: head.headers.get('x-request-id'),
    referer: head.headers.get('referer'),
    useragent: head.headers.get('user-agent'),
    size: BigInt(info.bytesReceived),
    total_size: BigInt(info.bytesReceived + head.headers.flat.reduce((sum, each) => sum + each.length, 0)),
    time,
  });
  // Also a request without a query has one.
  return { ...told, query };
}

function responseOf({ head, responseHead, responseTrailers, info }: FormatSubject): Attributes {
  const grpc = responseTrailers?.get('grpc-status') ?? responseHead?.headers.get('grpc-status');
  return known({
    ...(head.method !== '' && info.status > 0 && { code: BigInt(info.status) }),
    code_details: info.details,
    flags: BigInt(flagBits(info.flags)),
    grpc_status: grpc === undefined ? undefined : BigInt(Number(grpc) || 0),
    headers: responseHead && headersOf(responseHead.headers.entries(), { ':status': String(responseHead.status) }),
    trailers: responseTrailers && headersOf(responseTrailers.entries(), {}),
    size: BigInt(info.bytesSent),
  });
}

function connectionOf({ connection, info }: FormatSubject): Attributes {
  const { tls } = connection;
  const local = tls?.certificates?.().local;
  const peer = parseSubjectAltNames(tls?.certificates?.().peer?.subjectAltName);
  return known({
    ...(connection.id !== undefined && { id: BigInt(connection.id) }),
    mtls: (tls?.peerCertificateHash ?? '') !== '',
    requested_server_name: connection.requestedServerName,
    tls_version: tls?.version,
    uri_san_peer_certificate: tls?.peerSpiffeId,
    dns_san_peer_certificate: peer.dns[0],
    uri_san_local_certificate: parseSubjectAltNames(local?.subjectAltName).uris[0],
    subject_peer_certificate: tls?.peerSubject,
    sha256_peer_certificate_digest: tls?.peerCertificateHash,
    termination_details: info.connectionTerminationDetails,
    transport_failure_reason: info.downstreamTransportFailure,
  });
}

function upstreamOf({ info, upstreamTls }: FormatSubject): Attributes {
  const port = Number(/:(\d+)$/.exec(info.upstreamHost)?.[1] ?? 0);
  return known({
    address: info.upstreamHost,
    ...(port > 0 && { port: BigInt(port) }),
    local_address: info.upstreamLocalAddress,
    transport_failure_reason: info.transportFailure,
    ...(info.attempts > 0 && { request_attempt_count: BigInt(info.attempts) }),
    tls_version: upstreamTls?.version,
    uri_san_peer_certificate: upstreamTls?.peerSpiffeId,
    subject_peer_certificate: upstreamTls?.peerSubject,
    sha256_peer_certificate_digest: upstreamTls?.peerCertificateHash,
  });
}

function xdsOf(subject: FormatSubject): Attributes {
  const { connection, info } = subject;
  const held = (kind: MetadataKind): unknown => subject.resourceMetadata?.(kind);
  return known({
    node: subject.proxy?.node,
    cluster_name: info.cluster,
    route_name: info.routeName,
    filter_chain_name: connection.chain?.name,
    listener_direction: connection.direction === 'inbound' ? 1n : 2n,
    cluster_metadata: held('CLUSTER'),
    route_metadata: held('ROUTE'),
    listener_metadata: held('LISTENER'),
    upstream_host_metadata: held('UPSTREAM_HOST'),
    virtual_host_metadata: held('VIRTUAL_HOST'),
  });
}

function headersOf(entries: readonly [string, string][], pseudo: Record<string, string>): Record<string, string> {
  const headers = pseudo;
  for (const [name, value] of entries) {
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]},${value}`;
  }
  return headers;
}
