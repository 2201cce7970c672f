import type { Proxy } from '#data-plane';
import type { Sandbox } from '#sandbox';
import { differences } from '#shell';
import { type ProxyNode, typeUrls } from '#xds';

type ControlPlane = NonNullable<Sandbox['controlPlane']>;

interface Named {
  readonly name?: string;
}

/** What is compared, in istioctl's order. */
const PARTS = [
  ['Clusters', typeUrls.cluster, (admin: Proxy['admin']) => admin.clusters()],
  ['Listeners', typeUrls.listener, (admin: Proxy['admin']) => admin.listeners()],
  ['Routes', typeUrls.route, (admin: Proxy['admin']) => admin.routes()],
] as const;

/**
 * What istiod would have a proxy hold beside what it holds: a line for each part, and where they differ the lines that do. Source:
 * istioctl/pkg/writer/compare in istio.
 */
export function compareDumps(controlPlane: ControlPlane, node: ProxyNode, { admin }: Proxy): string {
  const { resources } = controlPlane.snapshotFor(node);
  const watches = controlPlane.ads.connections().find((connection) => connection.node.id === node.id)?.watches;
  return PARTS.map(([title, typeUrl, held]) => {
    const wanted = watches?.get(typeUrl) ?? [];
    const sent = [...(resources.get(typeUrl) ?? new Map<string, { name: string; json: object }>()).values()]
      .filter(({ name }) => wanted.length === 0 || wanted.includes(name))
      .map(({ json }) => json);
    const hunks = differences(linesOf(sent), linesOf(held(admin)));
    const loaded = typeUrl === typeUrls.route ? ` (RDS last loaded at ${lastLoaded(admin)})` : '';
    if (hunks === '') return `${title} Match${loaded}\n`;
    return `${title} Don't Match${loaded}\n--- Istiod ${title}\n+++ Envoy ${title}\n${hunks}\n`;
  }).join('');
}

/** By name, so that order makes no difference. */
const linesOf = (held: readonly object[]): string[] =>
  [...(held as readonly Named[])]
    .sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1))
    .flatMap((resource) => JSON.stringify(resource, undefined, 3).split('\n'));

interface Dump {
  readonly configs: readonly {
    readonly dynamic_route_configs?: readonly { readonly route_config: object; readonly last_updated?: string }[];
  }[];
}

/** When the proxy took a route table last; `never` before the first. */
function lastLoaded(admin: Proxy['admin']): string {
  const { configs } = admin.configDump() as Dump;
  const times = configs
    .flatMap(({ dynamic_route_configs: routes = [] }) => routes.flatMap(({ last_updated: at }) => at ?? []))
    .sort();
  const last = times.at(-1);
  return last === undefined ? 'never' : new Date(last).toUTCString().replace('GMT', 'UTC');
}
