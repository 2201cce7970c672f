import type { RouteConfiguration, VirtualHost } from '#xds';

/**
 * What earlier translations of one route table made. It holds for as long as nothing but VirtualServices changes, and keeps the identity
 * of whatever comes out the same, so that only hosts with other routes are encoded again.
 */
export interface RouteMemory {
  /** The value that was made for the key before. An object as a key is the input itself. */
  of<Value>(key: object | string, make: () => Value): Value;
  /** The table, with those of its hosts, or the whole of it, that were there before. */
  settle(table: RouteConfiguration): RouteConfiguration;
}

export function createRouteMemory(): RouteMemory {
  const named = new Map<string, unknown>();
  const held = new WeakMap<object, unknown>();
  let last: { readonly table: RouteConfiguration; readonly hosts: ReadonlyMap<string, VirtualHost> } | undefined;
  return {
    of<Value>(key: object | string, make: () => Value): Value {
      const known = typeof key === 'string' ? named.get(key) : held.get(key);
      if (known !== undefined) return known as Value;
      const value = make();
      if (typeof key === 'string') named.set(key, value);
      else held.set(key, value);
      return value;
    },
    settle(table) {
      const hosts = (table.virtual_hosts ?? []).map((host) => {
        const before = last?.hosts.get(host.name);
        return before !== undefined && isSameHost(before, host) ? before : host;
      });
      if (last !== undefined && isSameList(last.table.virtual_hosts ?? [], hosts)) return last.table;
      const settled = { ...table, virtual_hosts: hosts };
      last = { table: settled, hosts: new Map(hosts.map((host) => [host.name, host])) };
      return settled;
    },
  };
}

/** Routes by identity: those of one rule or service, which also say where the host comes from. */
const isSameHost = (a: VirtualHost, b: VirtualHost): boolean =>
  a.routes === b.routes && isSameList(a.domains, b.domains);

const isSameList = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i]);
