/** A response flag as access logs print it, with Envoy's long name and what it tells. */
export interface ResponseFlagInfo {
  readonly flag: string;
  readonly name: string;
  readonly meaning: string;
}

const known = (short: string, name: string, meaning: string): [string, ResponseFlagInfo] => [
  short,
  { flag: short, name, meaning },
];

/** Envoy's flags by their short form. Names: Envoy, access log documentation. */
export const responseFlags: Readonly<Record<string, ResponseFlagInfo>> = Object.fromEntries([
  known('UH', 'NoHealthyUpstream', 'The cluster has no host that may be used: no endpoints, or all of them ejected.'),
  known(
    'UF',
    'UpstreamConnectionFailure',
    'The connection to the host could not be made, or its TLS handshake failed.',
  ),
  known('UC', 'UpstreamConnectionTermination', 'The host closed the connection before it had answered.'),
  known('UO', 'UpstreamOverflow', 'A circuit breaker of the calling proxy was full, so the request was not sent.'),
  known('UT', 'UpstreamRequestTimeout', 'No answer came within the timeout of the route or of one try.'),
  known('UR', 'UpstreamRemoteReset', 'The host reset the stream.'),
  known('LR', 'LocalReset', 'The proxy itself gave the connection up.'),
  known('UPE', 'UpstreamProtocolError', 'The host answered with something that is not HTTP.'),
  known('URX', 'UpstreamRetryLimitExceeded', 'All retries that the policy allows were used up.'),
  known('NR', 'NoRouteFound', 'No route matches the request, or no filter chain takes the connection.'),
  known('NC', 'NoClusterFound', 'The route names a cluster that the proxy does not have.'),
  known('DC', 'DownstreamConnectionTermination', 'The client went away before the answer was complete.'),
  known('DI', 'DelayInjected', 'A fault rule held the request back for a while.'),
  known('FI', 'FaultInjected', 'A fault rule answered in place of the service.'),
  known('DPE', 'DownstreamProtocolError', 'The client sent something that is not HTTP.'),
  known('SI', 'StreamIdleTimeout', 'Nothing moved on the stream for too long.'),
  known('RL', 'RateLimited', 'A rate limit refused the request.'),
  known('RLSE', 'RateLimitServiceError', 'The rate limit service did not answer, and the rule refuses then.'),
  known('DR', 'DownstreamRemoteReset', 'The client reset its stream.'),
  known('DT', 'DurationTimeout', 'The connection or the stream was open for as long as it may be.'),
  known('IH', 'InvalidEnvoyRequestHeaders', 'A header that steers the proxy had a value that it does not take.'),
  known('LH', 'FailedLocalHealthCheck', 'The workload itself says that it is not healthy.'),
  known('UMSDR', 'UpstreamMaxStreamDurationReached', 'The request was at the host for as long as it may be.'),
  known('RFCF', 'ResponseFromCacheFilter', 'A cache answered in place of the service.'),
  known('NFCF', 'NoFilterConfigFound', 'The configuration of a filter did not arrive in time.'),
  known('OM', 'OverloadManagerTerminated', 'The proxy was overloaded and gave the request up.'),
  known('DF', 'DnsResolutionFailed', 'The name of the host did not resolve.'),
  known('DO', 'DropOverload', 'The control plane asked to drop a share of the requests.'),
  known('UDO', 'UnconditionalDropOverload', 'The control plane asked to drop every request.'),
  known('UAEX', 'UnauthorizedExternalService', 'An external authorization service refused the request.'),
]);
