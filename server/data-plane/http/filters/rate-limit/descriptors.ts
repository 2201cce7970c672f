import type { Descriptor, DescriptorSource } from '../../../config/rate-limit-actions.ts';
import type { RateLimitOfRoute } from '../../../config/rate-limit-config.ts';
import { splitPath } from '../../../config/route-condition.ts';
import { clientAddress } from '../../client-address.ts';
import type { Exchange } from '../../exchange.ts';

/** Rules in place of those of routes, and which of a virtual host's rules count. */
type Given = Partial<Pick<RateLimitOfRoute, 'rateLimits' | 'hostRules'>>;

/** As where nobody says anything. */
const USUAL: Given = {};

/**
 * The descriptors that the filter itself, else the route, else its virtual host makes of a request. Those of the host count too, or never,
 * where the route says so.
 */
export function descriptorsOf(
  exchange: Exchange,
  stage: number,
  { rateLimits = [], hostRules = 'OVERRIDE' }: Given = USUAL,
): Descriptor[] {
  const { route, virtualHost } = exchange;
  const own = route?.rateLimits ?? [];
  const included = route?.includesHostLimits === true || hostRules === 'INCLUDE';
  const shared = included || (own.length === 0 && hostRules === 'OVERRIDE') ? (virtualHost?.rateLimits ?? []) : [];
  const rules = rateLimits.length > 0 ? rateLimits : [...own, ...shared].filter((rule) => rule.stage === stage);
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
