import type { EndpointConfig } from '../config/endpoint-config.ts';
import { type Host, idOf } from './host.ts';

/**
 * Whether what stands at one address now counts as another host: it is in another locality, has another name, or is checked otherwise.
 * Source: updateDynamicHostList in upstream_impl.cc of Envoy.
 */
export const isAnotherHost = (former: EndpointConfig, endpoint: EndpointConfig, isChecked: boolean): boolean =>
  former.locality.key !== endpoint.locality.key ||
  former.hostname !== endpoint.hostname ||
  (isChecked && !isCheckedAlike(former, endpoint));

/** Whether what health checks have found of the one is true of the other. */
export const isCheckedAlike = ({ check: one }: EndpointConfig, { check: other }: EndpointConfig): boolean =>
  one.disabled === other.disabled && one.address.ip === other.address.ip && one.address.port === other.address.port;

/** Whether the new assignment has another policy than the one that `hosts` came with. */
export function countOtherwise(hosts: ReadonlyMap<string, Host>, [next]: readonly EndpointConfig[]): boolean {
  const [former] = hosts.values();
  if (next === undefined || former === undefined) return false;
  const { overprovisioning, weighsHealth } = former.endpoint;
  return overprovisioning !== next.overprovisioning || weighsHealth !== next.weighsHealth;
}

/**
 * Hosts stand by their priorities. Those of a priority that is `updated` stand in the order of their assignment, and behind them those that
 * only stay until their checks fail; all others stand as before.
 */
export function putInOrder(
  hosts: Map<string, Host>,
  assigned: readonly EndpointConfig[],
  updated: ReadonlySet<number>,
): void {
  if (updated.size === 0) return;
  const places = new Map(assigned.map((endpoint, place) => [idOf(endpoint), place]));
  const placeOf = ({ id, endpoint }: Host): number =>
    updated.has(endpoint.priority) ? (places.get(id) ?? assigned.length) : 0;
  const sorted = [...hosts.values()].sort(
    (one, other) => one.endpoint.priority - other.endpoint.priority || placeOf(one) - placeOf(other),
  );
  hosts.clear();
  for (const host of sorted) hosts.set(host.id, host);
}
