import type { Clock, KubeObject, NamespacedName } from '#domain';
import type { KubeStore } from './doors.ts';
import type { PodAccess } from './pod-access.ts';

/** Who sends a request, as `kubectl auth whoami` shows it. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What a request wants to do, in the words of SubjectAccessReview. */
export interface AccessRequest {
  readonly user: UserInfo;
  readonly verb: string;
  /** Absent for requests outside resources: then `path` counts. */
  readonly resource?: {
    readonly group: string;
    readonly version: string;
    readonly resource: string;
    readonly subresource: string;
    readonly namespace: string;
    readonly name: string;
  };
  readonly path: string;
}

export interface AccessDecision {
  readonly allowed: boolean;
  readonly reason?: string;
}

/** Tokens of service accounts (`kubectl create token`, TokenReview). */
export interface ServiceAccountTokens {
  issue(request: {
    readonly account: NamespacedName;
    readonly accountUid: string;
    readonly audiences: readonly string[];
    readonly expirationSeconds: number;
  }): { readonly token: string; readonly expiresAtMs: number };
  /** Undefined when the token proves nothing. */
  review(token: string): { readonly user: UserInfo; readonly audiences: readonly string[] } | undefined;
}

/** One answered request, for a panel that shows what a command did. */
export interface ServedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly status: number;
  readonly user: string;
  readonly userAgent: string;
  /** `kubectl apply`, when kubectl tells. */
  readonly command?: string;
  readonly durationMs: number;
}

/** The `autoscaling/v1` Scale of a workload, as `kubectl scale` reads and writes it. */
export interface Scale extends KubeObject {
  readonly apiVersion: 'autoscaling/v1';
  readonly kind: 'Scale';
  spec: { replicas: number };
  status: { replicas: number; selector?: string };
}

export interface ApiServerOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  /** PEM. Absent: plain HTTP (kubectl then sends no token). */
  readonly tls?: { readonly key: string; readonly cert: string; readonly clientCa?: string };
  /** Who a bearer token belongs to; undefined refuses it with 401. Absent: every request is `kubernetes-admin` of `system:masters`. */
  authenticate?(token: string): UserInfo | undefined;
  /** Absent: RBAC objects of the store decide; members of `system:masters` may do everything. */
  authorize?(request: AccessRequest): AccessDecision;
  readonly tokens?: ServiceAccountTokens;
  /** Logs, exec, attach and port-forward. Absent: 501 with the reason. */
  readonly pods?: PodAccess;
  /** Called before an object is stored, for what mutating webhooks do (sidecar injection). Returns the object to store. */
  mutate?(object: KubeObject): KubeObject;
  /** Gives each write its changeId. Absent: `api-N`. */
  newChangeId?(request: { readonly verb: string; readonly user: string; readonly command?: string }): string;
  /** Called once for each answered request. */
  onRequest?(request: ServedRequest): void;
}

/** The HTTP API over a store. Constructing opens nothing. */
export interface ApiServer {
  /** Port 0 picks a free one. */
  listen(address: { readonly host: string; readonly port: number }): Promise<ListeningApi>;
  /** Ends watches and streams, closes connections. Resolves when all are closed. */
  stop(): Promise<void>;
}

export interface ListeningApi {
  readonly host: string;
  readonly port: number;
  /** `https://127.0.0.1:6443` */
  readonly url: string;
}

export interface KubeconfigOptions {
  /** Name of cluster, user and context. */
  readonly name: string;
  readonly server: string;
  /** PEM of the CA that signed the server's certificate; absent for plain HTTP. */
  readonly caPem?: string;
  readonly token: string;
  readonly namespace?: string;
}
