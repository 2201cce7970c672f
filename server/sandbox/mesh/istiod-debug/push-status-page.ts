import type { ControlPlane, MeshSnapshot } from '#control-plane';
import { typeUrls } from '#xds';
import { ProxyResources } from './config-dump.ts';
import { debugConnections } from './connections.ts';

/** What is watched for, with the help of its gauge, which says of how many it is true. */
export const PUSH_METRICS = {
  pilot_destrule_subsets: 'Duplicate subsets across destination rules for same host',
  pilot_eds_no_instances: 'Number of clusters without instances.',
} as const;

interface Found {
  readonly proxy?: string;
  readonly message?: string;
}

type FoundByKey = Readonly<Record<string, Found>>;

/**
 * `/debug/push_status`: what was odd in the latest push, by metric, then by what it is about. Unlike istiod's, it is of this moment and
 * no ten seconds old, and of the metrics it has those of clusters and subsets. Source: ProxyPushStatus in istio pilot/pkg/model/push_context.go.
 */
export function pushStatus(controlPlane: ControlPlane): Readonly<Record<string, FoundByKey>> {
  const all: Readonly<Record<keyof typeof PUSH_METRICS, FoundByKey>> = {
    pilot_destrule_subsets: duplicateSubsets(controlPlane.inspect()),
    pilot_eds_no_instances: clustersWithoutEndpoints(controlPlane),
  };
  return Object.fromEntries(Object.entries(all).filter(([, found]) => Object.keys(found).length > 0));
}

/** Of the clusters that connected proxies ask for. */
function clustersWithoutEndpoints(controlPlane: ControlPlane): FoundByKey {
  const assignments = debugConnections(controlPlane).flatMap((connection) =>
    new ProxyResources(controlPlane, connection).of(typeUrls.endpoint),
  );
  const empty = assignments.filter(({ json }) => {
    const { endpoints = [] } = json as { readonly endpoints?: readonly unknown[] };
    return endpoints.length === 0;
  });
  return Object.fromEntries(empty.map(({ name }): [string, Found] => [name, {}]).sort(byKey));
}

/** Rules for one host that name a subset twice: the first stays. */
function duplicateSubsets({ destinationRules: { local, exported } }: MeshSnapshot): FoundByKey {
  const merged = [...local.values(), ...exported.values()].flatMap((rules) => [...rules.values()].flat());
  const found = merged.flatMap(({ host, from }): [string, Found][] => {
    const [first, ...others] = from.map(({ spec }) => (spec.subsets ?? []).map(({ name }) => name));
    const known = new Set(first);
    const twice = others.flatMap((names) => {
      const again = names.filter((name) => known.has(name));
      for (const name of names) known.add(name);
      return again;
    });
    const last = twice.at(-1);
    const message = `Duplicate subset ${last} found while merging destination rules for ${host}`;
    return last === undefined ? [] : [[host, { message }]];
  });
  return Object.fromEntries(found.sort(byKey));
}

const byKey = ([a]: [string, Found], [b]: [string, Found]): number => (a < b ? -1 : 1);
