import type { Clock, KubeObject } from '#domain';
import { errorMessage } from '#domain';
import type { KubeStore } from '#kube-api';
import { createDebounce, labDebounce } from '../push/debounce.ts';
import { isWildcard } from '../snapshot/hosts.ts';
import { MESH_CONFIG_MAP } from '../snapshot/mesh-config.ts';
import {
  type AllocatedAddress,
  allocatedAddresses,
  mayBeAllocated,
  type ServiceEntrySpec,
} from '../snapshot/service-entries.ts';
import { AddressUse, V4_POOL, V6_POOL } from './address-pool.ts';

/** Gives ServiceEntries without addresses some, in their status. Source: istio pilot/pkg/controllers/ipallocate. */
export interface AddressAllocator {
  /** An object has come or changed; namespaces and the mesh's configuration say which entries are looked at. */
  touch(object: KubeObject, changeId: string): void;
  /** Writes what is due, without waiting for more. */
  flush(): void;
  stop(): void;
}

export interface AddressAllocatorOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  /** Whether istiod looks at a namespace: entries elsewhere are given nothing, and keep what they have. */
  readonly discovers: (namespace: string) => boolean;
  readonly onError: (message: string) => void;
}

const KIND = 'ServiceEntry.networking.istio.io';
const MANAGER = 'pilot-discovery';

const concerns = ({ kind, metadata }: KubeObject): boolean =>
  kind === 'ServiceEntry' || kind === 'Namespace' || (kind === 'ConfigMap' && metadata.name === MESH_CONFIG_MAP);

/**
 * Addresses that are known at first, from an earlier istiod or from an entry's own text, are taken into account before any is given: so
 * the first look is at all entries. An address that two entries have stays with the older one, or with that whose text names it.
 */
export function createAddressAllocator({
  store,
  clock,
  discovers,
  onError,
}: AddressAllocatorOptions): AddressAllocator {
  const ranges = [new AddressUse(V4_POOL), new AddressUse(V6_POOL)];
  let latest = '';
  const debounce = createDebounce(clock, labDebounce, () => {
    const entries = store.list(KIND).toSorted(oldestFirst);
    for (const entry of entries) reserve(entry);
    const wanted = entries.map((entry) => ({ entry, kept: claimed(entry) }));
    for (const { entry, kept } of wanted) if (discovers(entry.metadata.namespace ?? '')) settle(entry, kept);
  });
  return {
    touch(object, changeId) {
      if (!concerns(object)) return;
      latest = changeId;
      debounce.touch();
    },
    flush: () => debounce.flush(),
    stop: () => debounce.cancel(),
  };

  /** What an entry's own text names. */
  function reserve(entry: KubeObject): void {
    for (const address of (entry.spec as ServiceEntrySpec).addresses ?? [])
      for (const range of ranges) range.reserve(address, keyOf(entry));
  }

  /** The addresses that an entry keeps: all, or none if one of them is another's. */
  function claimed(entry: KubeObject): readonly AllocatedAddress[] {
    if (!mayBeAllocated(entry)) return [];
    const present = allocatedAddresses(entry);
    const owner = keyOf(entry);
    const free = present.filter(({ value }) => ranges.every((range) => range.claim(value, owner)));
    return free.length === present.length ? present : [];
  }

  function settle(entry: KubeObject, kept: readonly AllocatedAddress[]): void {
    const present = allocatedAddresses(entry);
    const owner = keyOf(entry);
    const hosts = mayBeAllocated(entry) ? hostsOf(entry.spec as ServiceEntrySpec) : [];
    const next = hosts.flatMap((host) => {
      const own = kept.filter((each) => each.host === host);
      return own.length > 0 ? own : ranges.flatMap((range) => given(range.take(owner), host));
    });
    if (same(present, next)) return;
    try {
      const { name, namespace = '' } = entry.metadata;
      const status = { ...(entry.status as object | undefined), addresses: next };
      store.updateStatus(KIND, { namespace, name }, status, { changeId: latest, fieldManager: MANAGER });
    } catch (cause) {
      onError(`addresses of ServiceEntry ${owner}: ${errorMessage(cause)}`);
    }
    for (const { value } of present) {
      if (next.some((each) => each.value === value)) continue;
      for (const range of ranges) range.release(value, owner);
    }
  }
}

const given = (value: string | undefined, host: string): AllocatedAddress[] =>
  value === undefined ? [] : [{ value, host }];

/** Each once; a name for many has no address, unless its hosts are looked up. */
const hostsOf = ({ hosts = [], resolution }: ServiceEntrySpec): string[] => [
  ...new Set(hosts.filter((host) => resolution === 'DYNAMIC_DNS' || !isWildcard(host))),
];

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

const same = (a: readonly AllocatedAddress[], b: readonly AllocatedAddress[]): boolean =>
  a.length === b.length && a.every(({ value, host }, i) => value === b[i]?.value && host === b[i]?.host);

const oldestFirst = ({ metadata: a }: KubeObject, { metadata: b }: KubeObject): number =>
  (Date.parse(a.creationTimestamp ?? '') || 0) - (Date.parse(b.creationTimestamp ?? '') || 0);
