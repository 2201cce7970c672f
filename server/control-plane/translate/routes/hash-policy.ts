import type { MergedDestinationRule } from '../../snapshot/destination-rules.ts';
import type { ConsistentHash, Destination, TrafficPolicy } from '../../snapshot/istio-types.ts';
import { protoDuration } from '../durations.ts';

/** What the balancer hashes, as a route's hash policy; undefined when the settings name no key. */
export function translateHashPolicy(hash: ConsistentHash | undefined): Record<string, unknown> | undefined {
  if (hash?.httpHeaderName !== undefined) return { header: { header_name: hash.httpHeaderName } };
  if (hash?.httpCookie !== undefined) {
    const { name, path, ttl, attributes = [] } = hash.httpCookie;
    return {
      cookie: {
        name,
        ...(ttl !== undefined && { ttl: protoDuration(ttl) }),
        ...(path && { path }),
        ...(attributes.length > 0 && {
          attributes: attributes.map((each) => ({ name: each.name, ...(each.value && { value: each.value }) })),
        }),
      },
    };
  }
  if (hash?.useSourceIp !== undefined) return { connection_properties: hash.useSourceIp ? { source_ip: true } : {} };
  if (hash?.httpQueryParameterName !== undefined) return { query_parameter: { name: hash.httpQueryParameterName } };
  return undefined;
}

const hashOf = (policy: TrafficPolicy | undefined): ConsistentHash | undefined => policy?.loadBalancer?.consistentHash;

const portHash = (policy: TrafficPolicy | undefined, port: number | undefined): ConsistentHash | undefined =>
  port === undefined
    ? undefined
    : policy?.portLevelSettings?.find((each) => each.port?.number === port)?.loadBalancer?.consistentHash;

/** The hashing of a service that no route names: its port's over its rule's. Source: hashForService in istio pilot. */
export function serviceHash(rule: MergedDestinationRule | undefined, port: number): ConsistentHash | undefined {
  const policy = rule?.trafficPolicy?.value;
  return portHash(policy, port) ?? hashOf(policy);
}

/**
 * The hashing that applies to a destination: its subset's port's, its subset's, the rule's port's, the rule's. A port counts only where
 * the destination names it. Source: HashForHTTPDestination in istio pilot.
 */
export function destinationHash(
  rule: MergedDestinationRule | undefined,
  { subset, port }: Destination,
): ConsistentHash | undefined {
  const policy = rule?.trafficPolicy?.value;
  const own = rule?.subsets.find(({ value }) => value.name === (subset ?? ''))?.value.trafficPolicy;
  return portHash(own, port?.number) ?? hashOf(own) ?? portHash(policy, port?.number) ?? hashOf(policy);
}
