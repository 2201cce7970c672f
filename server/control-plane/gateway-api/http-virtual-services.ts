import type { KubeObject } from '#domain';
import { type Config, compareText } from '../snapshot/config.ts';
import type { HttpRoute, VirtualServiceSpec } from '../snapshot/istio-types.ts';
import type { GeneratedRule } from './http-rules.ts';
import { compareByAge } from './objects.ts';
import { sortRules } from './route-order.ts';
import { virtualService } from './virtual-services.ts';

/** The rules of one route for one host on one listener, or for one service of the mesh. */
export interface HostRules {
  readonly route: KubeObject;
  /** What is merged with what: the internal Gateway's name, or namespace (and port) of a route of the mesh; then the host. */
  readonly key: string;
  readonly host: string;
  readonly hostPlace: string;
  readonly gateway: string;
  readonly rules: readonly GeneratedRule<HttpRoute>[];
}

/**
 * HTTPRoutes and GRPCRoutes for the same host, joined into one VirtualService each and put in the Gateway API's order: among equal
 * rules those of the oldest route come first. Source: mergeHTTPRoutes in istio pilot/pkg/config/kube/gateway.
 */
export function mergeHostRules(all: readonly HostRules[]): Config<VirtualServiceSpec>[] {
  const byKey = new Map<string, HostRules[]>();
  for (const each of all) byKey.set(each.key, [...(byKey.get(each.key) ?? []), each]);
  return [...byKey]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([key, group]) => {
      const sorted = [...group].sort((a, b) => compareByAge(a.route, b.route));
      const [first] = sorted;
      if (first === undefined) return [];
      const rules = sorted.flatMap(({ route, rules: own }) => own.map((rule) => ({ ...rule, route })));
      const { route, host, hostPlace, gateway } = first;
      return virtualService({
        route,
        name: key.replaceAll('/', '~'),
        host,
        hostPlace,
        gateway,
        list: 'http',
        rules: sortRules(rules),
        others: sorted.map((each) => each.route),
      });
    });
}
