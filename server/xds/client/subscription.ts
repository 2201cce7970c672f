import type { TypeUrl } from '../resources.ts';
import type { DeltaDiscoveryRequest } from '../wire/discovery.ts';

const WILDCARD = '*';

/** What a client wants of one type, and which versions it holds; outlives streams. */
export interface Subscription {
  readonly typeUrl: TypeUrl;
  /** Wanted names; `*` for all. */
  readonly names: ReadonlySet<string>;
  /** Accepted resources, by name, with their version. */
  readonly held: Map<string, string>;
}

export type SubscriptionChange = Pick<
  DeltaDiscoveryRequest,
  'typeUrl' | 'resourceNamesSubscribe' | 'resourceNamesUnsubscribe'
>;

export const newSubscription = (typeUrl: TypeUrl, names: readonly string[] | '*'): Subscription => ({
  typeUrl,
  names: new Set(names === WILDCARD ? [WILDCARD] : names),
  held: new Map(),
});

export const wants = ({ names }: Subscription, name: string): boolean => names.has(WILDCARD) || names.has(name);

/** The subscription with other names, without the resources that are no longer wanted. */
export function withNames(subscription: Subscription, names: readonly string[] | '*'): Subscription {
  const next = newSubscription(subscription.typeUrl, names);
  for (const [name, version] of subscription.held) if (wants(next, name)) next.held.set(name, version);
  return next;
}

/** How a stream that knows `before` learns of `after`; undefined when both want the same. */
export function changeBetween(before: Subscription, after: Subscription): SubscriptionChange | undefined {
  const added = [...after.names].filter((name) => !before.names.has(name));
  const dropped = [...before.names].filter((name) => !after.names.has(name));
  if (added.length === 0 && dropped.length === 0) return undefined;
  return { typeUrl: after.typeUrl, resourceNamesSubscribe: added, resourceNamesUnsubscribe: dropped };
}

/** The first request of a type on a stream. */
export const opening = ({ typeUrl, names, held }: Subscription): Partial<DeltaDiscoveryRequest> => ({
  typeUrl,
  resourceNamesSubscribe: [...names],
  initialResourceVersions: Object.fromEntries(held),
});
