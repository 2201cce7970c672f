import type { KubeObject } from '#domain';
import { type Config, compareConfigs, toConfig } from './config.ts';
import { labelsMatch } from './hosts.ts';
import type { ConnectionPoolSettings, Destination, ServerTlsSettings } from './istio-types.ts';

export interface SidecarPort {
  readonly number?: number;
  readonly name?: string;
  readonly protocol?: string;
}

export interface IngressSpec {
  readonly port?: SidecarPort;
  readonly bind?: string;
  readonly captureMode?: 'DEFAULT' | 'IPTABLES' | 'NONE';
  readonly defaultEndpoint?: string;
  readonly tls?: ServerTlsSettings;
  readonly connectionPool?: ConnectionPoolSettings;
}

export interface EgressSpec {
  readonly port?: SidecarPort;
  readonly bind?: string;
  readonly captureMode?: 'DEFAULT' | 'IPTABLES' | 'NONE';
  /** `namespace/host`, with `.`, `*` and `~` for the namespace. */
  readonly hosts?: readonly string[];
}

export interface SidecarSpec {
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> };
  readonly ingress?: readonly IngressSpec[];
  readonly egress?: readonly EgressSpec[];
  readonly inboundConnectionPool?: ConnectionPoolSettings;
  readonly outboundTrafficPolicy?: {
    readonly mode?: 'REGISTRY_ONLY' | 'ALLOW_ANY';
    readonly egressProxy?: Destination;
  };
}

export type Sidecar = Config<SidecarSpec>;

/** All Sidecars (the API object), the oldest first. */
export const deriveSidecars = (objects: readonly KubeObject[]): readonly Sidecar[] =>
  objects.map((object) => toConfig<SidecarSpec>(object)).sort(compareConfigs);

/**
 * The Sidecar that a workload obeys: one that selects it, else its namespace's general one, else that of the root namespace.
 * Source: doGetSidecarScope in istio pilot.
 */
export function sidecarFor(
  all: readonly Sidecar[],
  workload: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
  rootNamespace: string,
): Sidecar | undefined {
  const own = all.filter(({ namespace }) => namespace === workload.namespace);
  const selects = ({ spec }: Sidecar): boolean =>
    spec.workloadSelector !== undefined && labelsMatch(spec.workloadSelector.labels, workload.labels);
  return (
    own.find(selects) ??
    own.find(({ spec }) => spec.workloadSelector === undefined) ??
    all.find(({ namespace, spec }) => namespace === rootNamespace && spec.workloadSelector === undefined)
  );
}
