import { Environment } from '@marcbachmann/cel-js';
import type { FormatSubject } from '../../http/format.ts';
import { ConfigProblem } from '../problem.ts';

/** What can be said of a request that has ended, as CEL sees it. */
export type CelCondition = (subject: FormatSubject) => boolean;

const environment = new Environment({ unlistedVariablesAreDyn: true });

/**
 * Compiles a CEL expression over Envoy's attributes `request`, `response`, `connection`, `source`, `destination`, `upstream` and `xds`.
 * An expression that fails for a request, or is no boolean, is not fulfilled. Of Envoy's attributes, `metadata`, `filter_state` and
 * `response.flags` are absent.
 */
export function compileCel(expression: string, field: string): CelCondition {
  let evaluate: (context: Record<string, unknown>) => unknown;
  try {
    evaluate = environment.parse(expression);
  } catch (error) {
    throw new ConfigProblem(field, `Not able to parse expression: ${error instanceof Error ? error.message : ''}`);
  }
  return (subject) => {
    try {
      return evaluate(attributesOf(subject)) === true;
    } catch {
      // CEL's own failures: a key that the request does not have, values that cannot be compared.
      return false;
    }
  };
}

/** Without what is not known, so that `has()` tells. */
function known(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined && value !== ''));
}

function attributesOf({ head, responseHead, info, connection }: FormatSubject): Record<string, unknown> {
  const { tls } = connection;
  const [path = '', query = ''] = head.path.split(/\?(.*)/s);
  const isHttp = head.method !== '';
  return {
    request: known({
      ...(isHttp && {
        path: head.path,
        url_path: path,
        query,
        host: head.authority,
        scheme: head.scheme,
        method: head.method,
        protocol: head.protocol,
        headers: headersOf(head.headers.entries(), {
          ':path': head.path,
          ':method': head.method,
          ':authority': head.authority,
        }),
        id: head.headers.get('x-request-id'),
        referer: head.headers.get('referer'),
        useragent: head.headers.get('user-agent'),
        size: BigInt(info.bytesReceived),
      }),
      time: new Date(info.startMs),
    }),
    response: known({
      ...(isHttp && info.status > 0 && { code: BigInt(info.status) }),
      code_details: info.details,
      grpc_status: info.grpcStatus === undefined ? undefined : BigInt(Number(info.grpcStatus) || 0),
      headers: responseHead && headersOf(responseHead.headers.entries(), { ':status': String(responseHead.status) }),
      size: BigInt(info.bytesSent),
    }),
    connection: known({
      mtls: (tls?.peerCertificateHash ?? '') !== '',
      requested_server_name: connection.requestedServerName,
      tls_version: tls?.version,
      uri_san_peer_certificate: tls?.peerSpiffeId,
      subject_peer_certificate: tls?.peerSubject,
      termination_details: info.connectionTerminationDetails,
    }),
    source: {
      address: `${connection.remoteAddress.ip}:${connection.remoteAddress.port}`,
      port: BigInt(connection.remoteAddress.port),
    },
    destination: {
      address: `${connection.localAddress.ip}:${connection.localAddress.port}`,
      port: BigInt(connection.localAddress.port),
    },
    upstream: known({
      address: info.upstreamHost,
      local_address: info.upstreamLocalAddress,
      transport_failure_reason: info.transportFailure,
    }),
    xds: known({ cluster_name: info.cluster, route_name: info.routeName }),
  };
}

function headersOf(entries: readonly [string, string][], pseudo: Record<string, string>): Record<string, string> {
  const headers = pseudo;
  for (const [name, value] of entries) {
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]},${value}`;
  }
  return headers;
}
