import { protoDuration } from '../durations.ts';
import { type IstioRouteAction, NO_TIMEOUT } from '../envoy-types.ts';

/**
 * A route's time limits. Istio switches Envoy's own 15 s off: without `timeout` there is no limit.
 * gRPC's own client reads `max_stream_duration` only.
 */
export function translateTimeout(
  timeout: string | undefined,
  isGrpcClient: boolean,
): Pick<IstioRouteAction, 'timeout' | 'max_grpc_timeout' | 'max_stream_duration'> {
  const limit = timeout === undefined ? NO_TIMEOUT : protoDuration(timeout);
  return isGrpcClient
    ? { timeout: limit, max_stream_duration: { max_stream_duration: limit } }
    : { timeout: limit, max_grpc_timeout: limit };
}
