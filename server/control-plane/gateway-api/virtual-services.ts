import type { KubeObject } from '#domain';
import type { Config, Sources } from '../snapshot/config.ts';
import type { VirtualServiceSpec } from '../snapshot/istio-types.ts';
import { ANNOTATIONS } from './annotations.ts';
import type { GeneratedRule } from './http-rules.ts';
import { namespaceOf } from './objects.ts';
import { sourcesIn } from './sources.ts';

export type RuleList = 'http' | 'tls' | 'tcp';

export interface VirtualServiceInput {
  readonly route: KubeObject;
  readonly name: string;
  readonly host: string;
  /** Place of the host in the route. */
  readonly hostPlace: string;
  /** `namespace/name` of the internal Gateway, or `mesh`. */
  readonly gateway: string;
  readonly list: RuleList;
  readonly rules: readonly SourcedRule[];
  /** Further routes that rules come from, the oldest first. */
  readonly others?: readonly KubeObject[];
}

/** A generated rule and the route that it comes from. */
export interface SourcedRule extends GeneratedRule<object> {
  readonly route: KubeObject;
}

/** An internal VirtualService with one host, named by its oldest route. */
export function virtualService(input: VirtualServiceInput): Config<VirtualServiceSpec> {
  const { route, name, host, hostPlace, gateway, list, rules } = input;
  const routes = [...new Set([route, ...(input.others ?? [])])];
  return {
    kind: 'VirtualService',
    apiVersion: 'networking.istio.io/v1',
    namespace: namespaceOf(route),
    name,
    createdMs: Date.parse(route.metadata.creationTimestamp ?? '') || 0,
    spec: { hosts: [host], gateways: [gateway], [list]: rules.map(({ spec }) => spec) },
    annotations: {
      [ANNOTATIONS.parents]: routes.map((each) => `${each.kind}/${each.metadata.name}.${namespaceOf(each)}`).join(','),
      [ANNOTATIONS.routeSemantics]: 'gateway',
    },
    sources: new Map([
      ...sourcesIn(route, { '': 'spec', 'spec.hosts': hostPlace, 'spec.gateways': 'spec.parentRefs' }),
      ...rules.flatMap((rule, position) => [...ruleSources(rule, `spec.${list}[${position}]`)]),
    ]),
  };
}

const ruleSources = ({ route, places }: SourcedRule, path: string): Sources =>
  sourcesIn(route, Object.fromEntries(Object.entries(places).map(([field, place]) => [`${path}${field}`, place])));
