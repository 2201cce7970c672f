import type { Clock, Diagnostic, KubeObject } from '#domain';
import type { KubeStore } from '#kube-api';
import type { AdsServer, ProvenIdentity, ProxyNode, PushEvent, XdsSnapshot } from '#xds';
import type { KeyResolverOptions } from './jwks/key-resolver.ts';

export type { FetchedText } from './jwks/key-resolver.ts';

import type { MeshOptions } from './snapshot/mesh-options.ts';
import type { MeshSnapshot } from './snapshot/mesh-snapshot.ts';
import type { PilotFeatures } from './snapshot/pilot-features.ts';

/**
 * MeshConfig, as far as it is read. Defaults are Istio's, with access logs and full tracing as in the demo profile.
 * Source: istio/api mesh/v1alpha1/config.proto; fields keep the form they have in YAML.
 */
export interface MeshConfig extends MeshOptions {
  readonly trustDomain: string;
  readonly rootNamespace: string;
  readonly outboundTrafficPolicy: 'ALLOW_ANY' | 'REGISTRY_ONLY' | 'ALLOW_ANY_DYNAMIC_DNS';
  readonly enableAutoMtls: boolean;
  readonly accessLogFile: string;
  /** Percent of requests traced when no other rule says. */
  readonly tracingSampling: number;
  readonly connectTimeoutMs: number;
  readonly trustDomainAliases: readonly string[];
  readonly pathNormalization: string;
  readonly accessLogEncoding: string;
  readonly accessLogFormat: string;
  readonly extensionProviders: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[];
  readonly defaultProviders: Readonly<Record<string, readonly string[] | undefined>>;
  /** Of istiod's environment: they are no part of the YAML. */
  readonly features: PilotFeatures;
}

/** One line of the sync table: which configuration a proxy holds of each type. */
export interface ProxySyncStatus {
  readonly node: ProxyNode;
  /** By short type: CDS, LDS, EDS, RDS. */
  readonly types: Readonly<Record<string, 'SYNCED' | 'NOT SENT' | 'STALE' | 'ERROR'>>;
  /** The latest response of each type that was sent, by type URL. */
  readonly responses: Readonly<Record<string, ResponseStatus>>;
}

/** What became of the latest response of one type. Source: model.WatchedResource in istio pilot. */
export interface ResponseStatus {
  readonly sentNonce: string;
  /** Clock.now(). */
  readonly sentAtMs: number;
  /** Of the last response that was accepted; empty before the first. */
  readonly ackedNonce: string;
  /** Text of the last answer's NACK; empty when it was an ACK. */
  readonly lastError: string;
}

/** The effect of one apply on all proxies. */
export interface PushSummary {
  readonly changeId: string;
  readonly versionInfo: string;
  /** Clock.now() when the store had the change. */
  readonly startedMs: number;
  /** Proxies that received something, each with the moment of its last ACK (or the NACK's text). */
  readonly proxies: readonly {
    readonly nodeId: string;
    readonly sentMs: number;
    readonly settledMs?: number;
    readonly error?: string;
    readonly types: readonly string[];
    readonly bytes: number;
  }[];
  /** Milliseconds from apply until every receiving proxy had accepted; undefined while one is outstanding or refused. */
  readonly effectiveMs?: number;
}

export interface ControlPlaneOptions {
  readonly store: KubeStore;
  readonly meshConfig: MeshConfig;
  readonly clock: Clock;
  /** Whose token a stream carries; undefined for one that proves nothing. Absent: no proxy is given any certificate. */
  readonly verify?: (token: string) => ProvenIdentity | undefined;
  /** How the keys of JWT issuers are fetched, and istiod's environment; absent: they are not, and such tokens are refused. */
  readonly jwks?: Pick<KeyResolverOptions, 'fetch' | 'env'>;
  readonly onPush: (event: PushEvent) => void;
  readonly onLog: (line: string) => void;
}

/** istiod's Pilot: watches the store, derives a MeshSnapshot, builds an XdsSnapshot per proxy and pushes it. */
export interface ControlPlane {
  readonly ads: AdsServer;
  start(): void;
  /** Begins to push what is stored now, without waiting for more: for whoever knows that a change is complete. */
  flush(): void;
  stop(): void;
  syncStatus(): readonly ProxySyncStatus[];
  /** Resolves when every proxy affected by this change, or those that `concerns` picks, have answered, or at `timeoutMs` with what is known then. */
  settled(changeId: string, timeoutMs: number, concerns?: (nodeId: string) => boolean): Promise<PushSummary>;
  /**
   * Resolves with true when the connected proxies that `concerns` picks have answered every change that is stored now, or at `timeoutMs`
   * with false. The statuses that tell of these changes are written then.
   */
  answered(concerns: (nodeId: string) => boolean, timeoutMs: number): Promise<boolean>;
  /** What proxies are configured from at present. */
  inspect(): MeshSnapshot;
  /** Whether istiod looks at the objects of a namespace: what MeshConfig's `discoverySelectors` leave out is not there for it. */
  discovers(namespace: string): boolean;
  /** What a proxy would be sent for the present store: the same builder as the push. */
  snapshotFor(node: ProxyNode): XdsSnapshot;
  /** What the reference check found in the configuration of the connected proxies, each once. It never holds a push back. */
  problems(): readonly Diagnostic[];
}

/** Reads MeshConfig from the ConfigMap `istio` in the root namespace, when there is one. */
export type ReadMeshConfig = (configMap: KubeObject | undefined) => MeshConfig;
