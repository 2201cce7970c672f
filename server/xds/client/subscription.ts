import type { TypeUrl } from '../resources.ts';

const WILDCARD = '*';

/** What a client wants of one type, and what it holds; outlives streams. */
export interface Subscription {
  readonly typeUrl: TypeUrl;
  /** Wanted names; `*` for all. */
  readonly names: ReadonlySet<string>;
  /** Accepted resources, by name, with their version. */
  readonly held: Map<string, string>;
  /** Of the last response that was accepted as a whole. */
  versionInfo: string;
}

export const newSubscription = (typeUrl: TypeUrl, names: readonly string[] | '*'): Subscription => ({
  typeUrl,
  names: new Set(names === WILDCARD ? [WILDCARD] : names),
  held: new Map(),
  versionInfo: '',
});

export const wantsAll = ({ names }: Subscription): boolean => names.has(WILDCARD);

export const wants = (subscription: Subscription, name: string): boolean =>
  wantsAll(subscription) || subscription.names.has(name);

/** The subscription with other names, without the resources that are no longer wanted. */
export function withNames(subscription: Subscription, names: readonly string[] | '*'): Subscription {
  const next = { ...newSubscription(subscription.typeUrl, names), versionInfo: subscription.versionInfo };
  for (const [name, version] of subscription.held) if (wants(next, name)) next.held.set(name, version);
  return next;
}

/** Names that `after` wants and `before` does not. */
export const addedNames = (before: Subscription, after: Subscription): string[] =>
  [...after.names].filter((name) => !before.names.has(name));
