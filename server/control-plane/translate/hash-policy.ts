import type { MergedDestinationRule } from '../snapshot/destination-rules.ts';
import type { ConsistentHash, Destination } from '../snapshot/istio-types.ts';
import { protoDuration } from './durations.ts';
import { effectivePolicy } from './traffic-policy.ts';

/** What the balancer hashes, as a route's hash policy; undefined when the settings name no key. */
export function translateHashPolicy(hash: ConsistentHash | undefined): Record<string, unknown> | undefined {
  if (hash?.httpHeaderName !== undefined) return { header: { header_name: hash.httpHeaderName } };
  if (hash?.httpCookie !== undefined) {
    const { name, path, ttl } = hash.httpCookie;
    return {
      cookie: { name, ...(ttl !== undefined && { ttl: protoDuration(ttl) }), ...(path !== undefined && { path }) },
    };
  }
  if (hash?.useSourceIp === true) return { connection_properties: { source_ip: true } };
  if (hash?.httpQueryParameterName !== undefined) return { query_parameter: { name: hash.httpQueryParameterName } };
  return undefined;
}

/** The hashing that applies to a destination: its subset's policy over the rule's, a port's over both. */
export function hashFor(
  rule: MergedDestinationRule | undefined,
  destination: Pick<Destination, 'subset'>,
  port: number,
): ConsistentHash | undefined {
  return effectivePolicy(rule, destination.subset, port).loadBalancer?.value.consistentHash;
}
