import { type Clock, formatAddress, type Random, type SocketAddress } from '#domain';
import type { KubeStore } from '#kube-api';
import { type EndpointSliceObject, type ServiceObject, slicesOf } from '../kube-types.ts';

/** kube-proxy: which pods stand behind a Service's address and port. */
export interface ServiceTable {
  /**
   * A ready pod behind the address, by chance; undefined when there is none. An address that is no Service's comes back as it is. A client
   * keeps its pod where the Service's `sessionAffinity` is ClientIP.
   */
  pick(destination: SocketAddress, clientIp?: string): SocketAddress | undefined;
  stop(): void;
}

interface Backends {
  readonly pods: readonly SocketAddress[];
  /** How long a client keeps its pod after its last connection; undefined: every connection is chance. */
  readonly affinityMs: number | undefined;
}

interface Kept {
  readonly pod: SocketAddress;
  untilMs: number;
}

/** Clients that are remembered; beyond it all are forgotten. */
const MAX_KEPT = 10_000;
const DEFAULT_AFFINITY_SECONDS = 10_800;

export function createServiceTable(
  store: KubeStore,
  { random, clock }: { readonly random: Random; readonly clock: Clock },
): ServiceTable {
  let backends: Map<string, Backends> | undefined;
  const kept = new Map<string, Kept>();
  const outdate = (): void => {
    backends = undefined;
  };
  const stops = [store.watch('Service', outdate), store.watch('EndpointSlice', outdate)];
  const keep = (client: string, { pods, affinityMs }: Backends, chosen: () => SocketAddress): SocketAddress => {
    if (affinityMs === undefined) return chosen();
    const known = kept.get(client);
    const now = clock.monotonic();
    const holds = known !== undefined && known.untilMs > now && pods.some((pod) => same(pod, known.pod));
    const pod = holds ? known.pod : chosen();
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(client, { pod, untilMs: now + affinityMs });
    return pod;
  };
  return {
    pick: (destination, clientIp) => {
      backends ??= readBackends(store);
      const service = formatAddress(destination);
      const behind = backends.get(service);
      if (behind === undefined) return destination;
      const { pods } = behind;
      if (pods.length === 0) return undefined;
      const chosen = (): SocketAddress => pods[random.below(pods.length)] as SocketAddress;
      return clientIp === undefined ? chosen() : keep(`${service} ${clientIp}`, behind, chosen);
    },
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

const same = (a: SocketAddress, b: SocketAddress): boolean => a.ip === b.ip && a.port === b.port;

function readBackends(store: KubeStore): Map<string, Backends> {
  const backends = new Map<string, Backends>();
  for (const service of store.list('Service') as ServiceObject[]) {
    const { clusterIP: ip, ports: servicePorts = [] } = service.spec;
    if (ip === undefined || ip === '' || ip === 'None') continue;
    const slices = slicesOf(store, service.metadata);
    const affinityMs = affinityOf(service);
    for (const { port, name } of servicePorts) {
      const listed = slices.flatMap(({ endpoints, ports }) => {
        const target = ports.find((candidate) => (candidate.name ?? '') === (name ?? ''))?.port;
        if (target === undefined) return [];
        return endpoints.map((endpoint) => ({ endpoint, target }));
      });
      backends.set(`${ip}:${port}`, { pods: backendsAmong(listed), affinityMs });
    }
  }
  return backends;
}

interface Listed {
  readonly endpoint: EndpointSliceObject['endpoints'][number];
  readonly target: number;
}

/** Ready ones; where none is, those that end and still serve. Source: CategorizeEndpoints in kubernetes' pkg/proxy. */
function backendsAmong(listed: readonly Listed[]): SocketAddress[] {
  const ready = listed.filter(({ endpoint }) => endpoint.conditions?.ready !== false);
  const last = listed.filter(
    ({ endpoint: { conditions } }) => conditions?.terminating === true && conditions.serving !== false,
  );
  return (ready.length > 0 ? ready : last).flatMap(({ endpoint, target }) =>
    endpoint.addresses.map((ip) => ({ ip, port: target })),
  );
}

function affinityOf({ spec }: ServiceObject): number | undefined {
  const { sessionAffinity, sessionAffinityConfig } = spec as {
    readonly sessionAffinity?: string;
    readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } };
  };
  if (sessionAffinity !== 'ClientIP') return undefined;
  return (sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS) * 1000;
}
