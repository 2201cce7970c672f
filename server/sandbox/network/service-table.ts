import type { Random, SocketAddress } from '#domain';
import { formatAddress } from '#domain';
import type { KubeStore } from '#kube-api';
import { type ServiceObject, slicesOf } from '../kube-types.ts';

/** kube-proxy: which pods stand behind a Service's address and port. */
export interface ServiceTable {
  /** A ready pod behind the address, by chance; undefined when there is none. An address that is no Service's comes back as it is. */
  pick(destination: SocketAddress): SocketAddress | undefined;
  stop(): void;
}

export function createServiceTable(store: KubeStore, random: Random): ServiceTable {
  let backends: Map<string, SocketAddress[]> | undefined;
  const outdate = (): void => {
    backends = undefined;
  };
  const stops = [store.watch('Service', outdate), store.watch('EndpointSlice', outdate)];
  return {
    pick: (destination) => {
      backends ??= readBackends(store);
      const behind = backends.get(formatAddress(destination));
      if (behind === undefined) return destination;
      return behind.length === 0 ? undefined : behind[random.below(behind.length)];
    },
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

function readBackends(store: KubeStore): Map<string, SocketAddress[]> {
  const backends = new Map<string, SocketAddress[]>();
  for (const service of store.list('Service') as ServiceObject[]) {
    const ip = service.spec.clusterIP;
    if (ip === undefined || ip === '' || ip === 'None') continue;
    const slices = slicesOf(store, service.metadata);
    for (const { port, name } of service.spec.ports ?? []) {
      const behind = slices.flatMap(({ endpoints, ports }) => {
        const target = ports.find((candidate) => (candidate.name ?? '') === (name ?? ''))?.port;
        if (target === undefined) return [];
        return endpoints
          .filter(({ conditions }) => conditions?.ready !== false)
          .flatMap(({ addresses }) => addresses.map((address) => ({ ip: address, port: target })));
      });
      backends.set(`${ip}:${port}`, behind);
    }
  }
  return backends;
}
