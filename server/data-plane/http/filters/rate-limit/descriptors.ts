import type { DescriptorSource } from '../../../config/rate-limit-actions.ts';
import type { RateLimitOfRoute } from '../../../config/rate-limit-config.ts';
import type { Descriptor, RateLimitRule } from '../../../config/rate-limit-rules.ts';
import { type RouteSubject, splitPath } from '../../../config/route-condition.ts';
import { clientAddress } from '../../client-address.ts';
import type { Exchange } from '../../exchange.ts';
import { decodeEscapes } from '../../query-params.ts';

/** Rules in place of those of routes, and which of a virtual host's rules count. */
export type RuleSource = Pick<RateLimitOfRoute, 'rateLimits' | 'hostRules'>;

/**
 * The rules that the filter itself, else the route, else its virtual host has for a request. Those of the host count too, or never, where the
 * route says so.
 */
export function rulesFor(
  { route, virtualHost }: Exchange,
  stage: number,
  { rateLimits, hostRules }: RuleSource,
): readonly RateLimitRule[] {
  if (rateLimits.length > 0) return rateLimits;
  // As in Envoy, a request that goes to no cluster has no rules, be it that its virtual host has some.
  if (route?.target.kind !== 'forward') return NO_RULES;
  const own = route.rateLimits;
  const included = route.includesHostLimits === true || hostRules === 'INCLUDE';
  const shared = included || (own.length === 0 && hostRules === 'OVERRIDE') ? (virtualHost?.rateLimits ?? []) : [];
  if (own.length + shared.length === 0) return own;
  return [...own, ...shared].filter((rule) => rule.stage === stage);
}

const NO_RULES: readonly RateLimitRule[] = [];

/** What rules make of a request; one that finds nothing makes nothing. */
export function descriptorsOf(exchange: Exchange, rules: readonly RateLimitRule[]): Descriptor[] {
  if (rules.length === 0) return [];
  const { connection, head, route, runtime } = exchange;
  const metadata: DescriptorSource['metadata'] = (filter) => exchange.dynamicMetadata?.of(filter);
  const source: DescriptorSource = {
    head,
    connection,
    remoteIp: clientAddress(exchange),
    metadata,
    routeMetadata: (filter) => route?.metadata?.filter_metadata?.[filter],
    asked: decoded(splitPath(head, metadata, connection.tls)),
    subject: exchange,
    destinationCluster: exchange.info.cluster,
    sourceCluster: `${runtime.self.service}.${runtime.self.namespace}`,
  };
  return rules.flatMap((rule) => rule.describe(source) ?? []);
}

/** As in Envoy, limits see the parameters of a query without escapes; routes see them as they were sent. */
function decoded(asked: RouteSubject): RouteSubject {
  if (asked.query === undefined || !asked.head.path.includes('%')) return asked;
  const query = new Map<string, string>();
  for (const [name, value] of asked.query) {
    const plain = decodeEscapes(name);
    if (!query.has(plain)) query.set(plain, decodeEscapes(value));
  }
  return { ...asked, query };
}

/** `PATH=/a, remote_address=10.0.0.1` */
export const wordsOf = ({ entries }: Pick<Descriptor, 'entries'>): string =>
  entries.map(({ key, value }) => `${key}=${value}`).join(', ');
