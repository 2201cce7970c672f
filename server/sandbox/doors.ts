import type { ControlPlane, PushSummary } from '#control-plane';
import type { Proxy, ProxyOptions } from '#data-plane';
import type {
  Clock,
  Diagnostic,
  HopRecord,
  KubeObject,
  NamespacedName,
  Random,
  SocketAddress,
  SourceLocation,
} from '#domain';
import type { KubeStore } from '#kube-api';
import type { HopStore } from '#telemetry';
import type { Dial, FetchInit, FetchResponse } from '#workloads';
import type { PushEvent } from '#xds';
import type { ContainerIo } from './exec/run-command.ts';
import type { KeyHost } from './network/key-host.ts';
import type { Strain } from './strains.ts';

export type { Strain } from './strains.ts';

export interface SandboxOptions {
  /** Second byte of the sandbox's addresses: all of them lie in 127.<subnet>.0.0/16. */
  readonly subnet: number;
  readonly seed: string;
  readonly clock: Clock;
  readonly onEvent: (event: SandboxEvent) => void;
  /** Hosts outside of the mesh from which istiod may fetch keys of JWT issuers; absent: none. */
  readonly keyHosts?: readonly KeyHost[];
  /** Entries of access logs are events too; absent: they are in their containers' logs alone. */
  readonly tellsEntries?: boolean;
  /** Another maker of proxies for a pod than our own; undefined for a pod: our own. */
  readonly proxyFor?:
    | ((pod: Pick<KubeObject, 'metadata'>) => ((options: ProxyOptions) => Proxy) | undefined)
    | undefined;
  /** Bounds other than a lab's. */
  readonly limits?: { readonly pods?: number; readonly objects?: number };
}

/** The sandbox's Kubernetes API as a client outside finds it. */
export interface ServedApi {
  readonly url: string;
  /** YAML with everything inline: CA and an administrator's token. */
  readonly kubeconfig: string;
}

export interface StartOptions {
  /** Istio's ingress gateway comes with the mesh. */
  readonly ingress: boolean;
  /** MeshConfig as YAML, laid over the sandbox's own. */
  readonly meshConfig?: string;
  /** The Service `kubernetes` is there from the beginning, so that the first pods are told of it: for whom `serveApi` is called soon. */
  readonly announcesApi?: boolean;
}

export type SandboxEvent =
  | { readonly type: 'hop'; readonly hop: HopRecord }
  | { readonly type: 'push'; readonly push: PushEvent }
  | { readonly type: 'step'; readonly name: string; readonly ms: number }
  | { readonly type: 'log'; readonly source: string; readonly line: string }
  | {
      readonly type: 'object';
      readonly change: 'ADDED' | 'MODIFIED' | 'DELETED';
      readonly object: KubeObject;
      readonly changeId: string;
    };

/** One file of manifests: one or more YAML documents. */
export interface ManifestFile {
  readonly file: string;
  readonly text: string;
}

export interface AppliedObject extends NamespacedName {
  readonly kind: string;
  readonly apiVersion: string;
  readonly outcome: 'created' | 'configured' | 'unchanged';
}

/** Nothing is stored unless every document is accepted: an apply is all or nothing. */
export interface ApplyOutcome {
  readonly changeId: string;
  readonly accepted: boolean;
  readonly objects: readonly AppliedObject[];
  /** What analysis says is found out when this is first read, of the mesh as it is then. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface ContainerState {
  readonly name: string;
  readonly image: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly kind: 'init' | 'app' | 'proxy';
  /** `Running`, `Completed`, `ImagePullBackOff`, `CrashLoopBackOff` … */
  readonly state: string;
  readonly message?: string;
}

/** A running pod: its containers, its proxy, its address. */
export interface RunningPod {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly ContainerState[];
  /** Present when injected, or when the pod is a gateway. */
  readonly proxy?: Proxy | undefined;
  /** Where the application really listens: `0.0.0.0:8080` as seen inside the pod. */
  readonly appListeners: readonly SocketAddress[];
  logs(container: string): readonly string[];
  /** Calls `onLine` for each new line of a container's log until the returned function is called. */
  followLogs(container: string, onLine: (line: string) => void): () => void;
  /** Sends a request as a program inside the pod would: captured when the pod is injected. */
  fetch(url: string, init?: FetchInit): Promise<FetchResponse>;
  /** Runs a command in a container by our own interpreter; resolves with its exit code (127: no such program). */
  run(container: string, command: readonly string[], io: ContainerIo): Promise<number>;
  /** Runs one of the image's programs; undefined when the container has none of that name. */
  exec(
    container: string,
    command: readonly string[],
  ): { readonly stdout: string; readonly exitCode: number } | undefined;
}

/** One learner's mesh. */
export interface Sandbox {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly hops: HopStore;
  readonly keyHosts: readonly KeyHost[];
  /** Present while istiod's pod runs. */
  readonly controlPlane: ControlPlane | undefined;
  readonly pods: readonly RunningPod[];
  /** Address of the ingress gateway's HTTP port as seen from outside, when the gateway runs. */
  readonly ingress: SocketAddress | undefined;
  /** Where a client outside reaches each gateway now: `{"shop/gateway": {"80": "127.20.128.5:80"}}`. */
  readonly gateways: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /**
   * Starts istiod (namespace istio-system), an ingress gateway when `ingress` is set, then applies the manifests.
   * Resolves when every pod is ready and every proxy has its configuration. Each step is told by a `step` event with its ms.
   */
  start(topology: readonly ManifestFile[], options: StartOptions): Promise<void>;
  /** Parses, validates, then stores all documents under one change id. */
  apply(files: readonly ManifestFile[], options: { readonly namespace: string }): Promise<ApplyOutcome>;
  /** Diagnostics of unsaved text, and of the mesh as it would be with it (`istioctl analyze`; no files: as it is). Changes nothing. */
  validate(files: readonly ManifestFile[], options: { readonly namespace: string }): readonly Diagnostic[];
  /** Deletes an object; `graceSeconds` is what is left to one that takes its time to end (absent: what it says itself). */
  remove(kind: string, name: NamespacedName, graceSeconds?: number): string;
  /** Lays settings over the environment of running programs, under a name; undefined ends it. The cluster's objects do not tell. */
  strain(name: string, strain: Strain | undefined): void;
  /** The strains that lie on it now, by name. */
  readonly strains: ReadonlyMap<string, Strain>;
  /** What came of a change when every program of the pods has answered its push, or at `timeoutMs`; undefined without istiod. */
  settled(changeId: string, timeoutMs: number): Promise<PushSummary | undefined>;
  /** Resolves with true when every program of the pods has answered what is stored now, or at `timeoutMs` with false; true without istiod. */
  answered(timeoutMs: number): Promise<boolean>;
  /** Resolves when every pod is ready (or cannot be) and every proxy has its configuration; rejects when that takes too long. */
  ready(): Promise<void>;
  /**
   * Serves the Kubernetes API over TLS on the node's address; the same server when it is asked for again. The mesh hears of it, as the
   * Service `kubernetes`, unless it is served `quietly`.
   */
  serveApi(options?: { readonly quietly?: boolean }): Promise<ServedApi>;
  /** Where an object's field stands in the text that was last applied for it. */
  locate(origin: { kind: string; namespace: string; name: string; path: string }): SourceLocation | undefined;
  /** Says that the stored objects stand in these files, and those that no file names stand nowhere; stores nothing. */
  placeIn(files: readonly ManifestFile[], options: { readonly namespace: string }): void;
  /** A request from outside the cluster, as curl on the host would send it. Cluster names do not resolve. */
  fetchFromOutside(url: string, init?: FetchInit): Promise<FetchResponse>;
  /** A TCP connection from outside the cluster. */
  readonly dialFromOutside: Dial;
  pod(name: NamespacedName): RunningPod | undefined;
  /** Resolves when `met` returns true, evaluated at once and after every sandbox event; rejects at `timeoutMs`. */
  until(met: () => boolean, timeoutMs: number, what: string): Promise<void>;
  stop(): Promise<void>;
}
