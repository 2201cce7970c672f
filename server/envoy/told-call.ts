import type { ProxySelf, ToldCall } from '#data-plane';
import type { HopEntry } from './hop-format.ts';

/** What an Envoy tells of a call, as Istio's metrics need it. `workloadAt` knows the pods that have Envoys, too. */
export function toldCall(entry: HopEntry, workloadAt: (ip: string) => ProxySelf | undefined): ToldCall {
  const isServer = entry.direction === 'inbound';
  const theirs = isServer ? entry.request_headers : entry.response_headers;
  return {
    kind: entry.kind,
    reporter: isServer ? 'destination' : 'source',
    peer: workloadAt(((isServer ? entry.remote : entry.host) ?? '').split(':')[0] ?? ''),
    peerHeader: theirs['x-envoy-peer-metadata'] ?? '',
    endpointWorkload: entry.workload ?? '',
    peerPrincipal: (isServer ? entry.client_uri : entry.host_uri) ?? '',
    routeName: entry.route ?? '',
    cluster: entry.cluster ?? '',
    services: entry.services,
    method: entry.method ?? '',
    authority: entry.authority ?? '',
    path: entry.path ?? '',
    protocol: entry.protocol ?? '',
    requestHeaders: told(entry.request_headers),
    responseHeaders: told(entry.response_headers),
    status: entry.status,
    grpcStatus: String(entry.grpc_status ?? ''),
    flags: entry.flags === '-' ? [] : entry.flags.split(','),
    details: entry.details ?? '',
    startMs: Number(entry.start),
    durationMs: entry.duration ?? 0,
    receivedBytes: entry.received,
    sentBytes: entry.sent,
    upstreamHost: entry.host ?? '',
    serverName: entry.server_name ?? '',
  };
}

const told = (headers: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === null || value === '-' ? [] : [[name, value]])),
  );
