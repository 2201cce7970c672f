/** What both proxies write of each request; the case is known by its listener, the request by its place. */
export const LOG_FORMAT: Readonly<Record<string, string>> = {
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  protocol: '%PROTOCOL%',
  status: '%RESPONSE_CODE%',
  flags: '%RESPONSE_FLAGS%',
  details: '%RESPONSE_CODE_DETAILS%',
  termination: '%CONNECTION_TERMINATION_DETAILS%',
  transportFailure: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  bytesReceived: '%BYTES_RECEIVED%',
  bytesSent: '%BYTES_SENT%',
  authority: '%REQ(:AUTHORITY)%',
  upstreamHost: '%UPSTREAM_HOST%',
  cluster: '%UPSTREAM_CLUSTER%',
  attempts: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  route: '%ROUTE_NAME%',
  listener: '%DOWNSTREAM_LOCAL_PORT%',
  grpcStatus: '%GRPC_STATUS%',
  type: '%ACCESS_LOG_TYPE%',
};

export type LogEntry = Readonly<Record<string, string | number | null>>;

/** Entries of the listener at this port, in their order. */
export function entriesAt(lines: readonly string[], port: number): LogEntry[] {
  return lines.flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const entry = JSON.parse(line) as LogEntry;
    return entry['listener'] === port ? [entry] : [];
  });
}
