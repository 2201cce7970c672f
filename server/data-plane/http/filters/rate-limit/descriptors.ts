import type { Descriptor, DescriptorSource, RateLimitRule } from '../../../config/rate-limit-actions.ts';
import { splitPath } from '../../../config/route-condition.ts';
import { clientAddress } from '../../client-address.ts';
import type { Exchange } from '../../exchange.ts';

/**
 * The descriptors that the filter itself, else the route, else its virtual host makes of a request. Those of the host count too where the
 * route says so.
 */
export function descriptorsOf(exchange: Exchange, stage: number, given: readonly RateLimitRule[] = []): Descriptor[] {
  const { route, virtualHost } = exchange;
  const own = route?.rateLimits ?? [];
  const shared = own.length === 0 || route?.includesHostLimits === true ? (virtualHost?.rateLimits ?? []) : [];
  const rules = given.length > 0 ? given : [...own, ...shared].filter((rule) => rule.stage === stage);
  if (rules.length === 0) return [];
  const source: DescriptorSource = {
    head: exchange.head,
    connection: exchange.connection,
    remoteIp: clientAddress(exchange),
    metadata: (filter) => exchange.metadata.of(filter),
    query: splitPath(exchange.head).query,
    destinationCluster: exchange.info.cluster,
    sourceCluster: `${exchange.runtime.self.service}.${exchange.runtime.self.namespace}`,
  };
  return rules.flatMap((rule) => {
    const descriptor = rule.describe(source);
    return descriptor === undefined || descriptor.length === 0 ? [] : [descriptor];
  });
}

/** `PATH=/a, remote_address=10.0.0.1` */
export const wordsOf = (descriptor: Descriptor): string =>
  descriptor.map(({ key, value }) => `${key}=${value}`).join(', ');
