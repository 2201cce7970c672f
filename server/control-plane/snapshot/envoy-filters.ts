import type { KubeObject } from '#domain';
import { type Config, compareText, toConfig } from './config.ts';
import { attaches, type PolicySubject, type TargetReference } from './policy-target.ts';

export type ApplyTo =
  | 'LISTENER'
  | 'FILTER_CHAIN'
  | 'NETWORK_FILTER'
  | 'HTTP_FILTER'
  | 'LISTENER_FILTER'
  | 'ROUTE_CONFIGURATION'
  | 'VIRTUAL_HOST'
  | 'HTTP_ROUTE'
  | 'CLUSTER'
  | 'EXTENSION_CONFIG'
  | 'BOOTSTRAP';

export type PatchOperation =
  | 'MERGE'
  | 'MERGE_AND_REPLACE_LIST'
  | 'ADD'
  | 'REMOVE'
  | 'INSERT_BEFORE'
  | 'INSERT_AFTER'
  | 'INSERT_FIRST'
  | 'REPLACE';

export type PatchContext = 'ANY' | 'SIDECAR_INBOUND' | 'SIDECAR_OUTBOUND' | 'GATEWAY';

export interface ListenerMatch {
  readonly name?: string;
  readonly portNumber?: number;
  readonly listenerFilter?: string;
  readonly filterChain?: {
    readonly name?: string;
    readonly sni?: string;
    readonly transportProtocol?: string;
    readonly applicationProtocols?: string;
    readonly destinationPort?: number;
    readonly filter?: { readonly name?: string; readonly subFilter?: { readonly name?: string } };
  };
}

export interface RouteConfigurationMatch {
  readonly name?: string;
  readonly portNumber?: number;
  readonly portName?: string;
  readonly gateway?: string;
  readonly vhost?: {
    readonly name?: string;
    readonly domainName?: string;
    readonly route?: { readonly name?: string; readonly action?: 'ANY' | 'ROUTE' | 'REDIRECT' | 'DIRECT_RESPONSE' };
  };
}

export interface ClusterMatch {
  readonly name?: string;
  readonly service?: string;
  readonly subset?: string;
  readonly portNumber?: number;
}

export interface ObjectMatch {
  readonly context?: PatchContext;
  readonly proxy?: { readonly proxyVersion?: string; readonly metadata?: Readonly<Record<string, string>> };
  readonly listener?: ListenerMatch;
  readonly routeConfiguration?: RouteConfigurationMatch;
  readonly cluster?: ClusterMatch;
}

export interface ConfigPatch {
  readonly applyTo?: ApplyTo;
  readonly match?: ObjectMatch;
  readonly patch?: { readonly operation?: PatchOperation; readonly value?: unknown };
}

export interface EnvoyFilterSpec {
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> };
  readonly targetRefs?: readonly TargetReference[];
  readonly configPatches?: readonly ConfigPatch[];
  readonly priority?: number;
}

export type EnvoyFilter = Config<EnvoyFilterSpec>;

export const deriveEnvoyFilters = (objects: readonly KubeObject[]): readonly EnvoyFilter[] =>
  objects.map((object) => toConfig<EnvoyFilterSpec>(object));

/**
 * The EnvoyFilters of one workload in the order in which they act: by priority, then those of the root namespace before others, the
 * older before the newer, then by name. Source: PushContext.EnvoyFilters in istio pilot.
 */
export function envoyFiltersFor(
  all: readonly EnvoyFilter[],
  subject: PolicySubject,
  rootNamespace: string,
): readonly EnvoyFilter[] {
  const rank = ({ namespace }: EnvoyFilter): number => (namespace === rootNamespace ? 0 : 1);
  return all
    .filter(({ namespace }) => namespace === rootNamespace || namespace === subject.namespace)
    .filter((filter) => isAttached(filter, subject))
    .sort(
      (a, b) =>
        (a.spec.priority ?? 0) - (b.spec.priority ?? 0) ||
        rank(a) - rank(b) ||
        a.createdMs - b.createdMs ||
        compareText(`${a.name}.${a.namespace}`, `${b.name}.${b.namespace}`),
    );
}

/** Attached as every policy is, except that its selector is called `workloadSelector.labels`. */
function isAttached(filter: EnvoyFilter, subject: PolicySubject): boolean {
  const { workloadSelector, targetRefs } = filter.spec;
  const spec = {
    ...(workloadSelector?.labels && { selector: { matchLabels: workloadSelector.labels } }),
    ...(targetRefs && { targetRefs }),
  };
  return attaches({ ...filter, spec }, subject);
}
