import type { SocketAddress } from '#domain';
import type { HostSource } from '../config/named-hosts.ts';
import type { Fields } from '../config/values.ts';
import type { Host } from './host.ts';
import type { Pick as BalancerPick } from './load-balancer.ts';
import type { RoutePriority } from './pool-breakers.ts';
import type { Candidates } from './priority.ts';
import type { ListShare } from './priority-loads.ts';
import type { TriedPriorities } from './tried-priorities.ts';

/** What a retry is to avoid. */
export interface TriedHosts {
  /** Addresses. */
  readonly avoid: ReadonlySet<string>;
  /** How often a host that is to be avoided is drawn anew. */
  readonly redraws: number;
  readonly omits: (host: Host) => boolean;
  /** Priorities that are to be left out. */
  readonly priorities: TriedPriorities | undefined;
}

/** A list of hosts, by what is said of it. */
export type ChosenList = Readonly<Pick<ListShare, 'priority' | 'degraded'>>;

/** What a pick needs to know of the request. */
export interface PickContext {
  readonly originalDestination: SocketAddress | undefined;
  /** A host that is taken before any is chosen, by its address, as long as its health allows; `strict`: or none. */
  readonly wanted?: { readonly key: string; readonly strict: boolean } | undefined;
  /** The next host that the request names, of those that `isThere` takes; asked only by clusters whose requests may name some. */
  readonly named?: (sources: readonly HostSource[], isThere: (key: string) => boolean) => string | undefined;
  /** Of the route; absent: what is sent has no pool for HTTP, or is no request of a client. */
  readonly priority?: RoutePriority | undefined;
  /** What earlier tries say against hosts. */
  readonly tried?: TriedHosts | undefined;
  /** The list of hosts that a cluster which is made of others has chosen. */
  readonly list?: ChosenList | undefined;
  /** The metadata that the hosts of a subset must have; asked only by clusters with subsets. */
  readonly criteria?: () => Fields | undefined;
  /** What the route's hash policies make of the request; asked only by balancers that hash. */
  readonly hash: () => bigint | undefined;
}

/** The host for one try. */
export interface HostChoice extends BalancerPick {
  /** Of which hosts it was chosen; undefined: of none. */
  readonly candidates: Candidates | undefined;
}
