import { formatAddress } from '#domain';
import type { Listener } from '#xds';
import { combinations } from './chain-match.ts';
import type { CompiledFilterChain, CompiledListener } from './listener-config.ts';
import { ConfigProblem } from './problem.ts';
import type { RouteTable } from './route-table.ts';

/** Throws ConfigProblem when a listener of another name has the address (Envoy: ListenerManagerImpl::hasListenerWithDuplicatedAddress). */
export function refuseSharedAddress({ name, address }: CompiledListener, others: Iterable<CompiledListener>): void {
  for (const other of others) {
    if (other.name === name || other.address.port !== address.port || other.address.ip !== address.ip) continue;
    const where = formatAddress(address);
    throw new ConfigProblem(
      'address',
      `error adding listener: '${name}' has duplicate address '${where}' as existing listener`,
    );
  }
}

/** Ports of the proxy and its agent in every pod. Source: admin port and static listeners of Istio's bootstrap, status port of its agent. */
const TAKEN_PORTS: ReadonlySet<number> = new Set([15000, 15020, 15021, 15090]);

/** Throws ConfigProblem when the proxy itself listens where the listener should. */
export function refuseTakenPort({ address, bindToPort }: CompiledListener): void {
  if (!bindToPort || !TAKEN_PORTS.has(address.port)) return;
  throw new ConfigProblem('address', `cannot bind '${formatAddress(address)}': Address already in use`);
}

/** Throws ConfigProblem when two chains fit the same connections. */
export function refuseEqualChains(
  { name, filter_chains: chains = [] }: Listener,
  compiled: readonly Pick<CompiledFilterChain, 'criteria'>[],
): void {
  const seen = new Map<string, string>();
  for (const { filter_chain_match: match = {}, name: chain = '' } of chains) {
    const { name: _, ...rules } = match as { name?: string };
    const key = JSON.stringify(rules);
    const first = seen.get(key);
    if (first !== undefined) {
      const why = `filter chain '${chain}' has the same matching rules defined as '${first}'. duplicate matcher is: ${key}`;
      throw new ConfigProblem('filter_chains', `error adding listener '${name}': ${why}`);
    }
    seen.set(key, chain);
  }
  const taken = new Set<string>();
  for (const combination of compiled.flatMap(({ criteria }) => combinations(criteria))) {
    if (taken.has(combination)) {
      const why = 'multiple filter chains with overlapping matching rules are defined';
      throw new ConfigProblem('filter_chains', `error adding listener '${name}': ${why}`);
    }
    taken.add(combination);
  }
}

/**
 * Throws ConfigProblem when a table names a cluster that is not known, where it asks to be checked: tables of listeners do unless they say
 * otherwise, those of RDS only when they say so.
 */
export function refuseUnknownClusters(
  { resource, virtualHosts }: RouteTable,
  { known, byDefault }: { readonly known: (name: string) => boolean; readonly byDefault: boolean },
): void {
  if (!(resource.validate_clusters ?? byDefault)) return;
  for (const { routes } of virtualHosts) {
    for (const { target } of routes) {
      if (target.kind !== 'forward') continue;
      const named = [...target.shares.map(({ cluster }) => cluster), ...target.mirrors.map(({ cluster }) => cluster)];
      const unknown = named.find((name) => name !== '' && !known(name));
      if (unknown !== undefined) throw new ConfigProblem('route', `unknown cluster '${unknown}'`);
    }
  }
}
