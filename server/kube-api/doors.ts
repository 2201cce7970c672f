import type { KindDefinition, KubeObject, NamespacedName } from '#domain';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface WatchEvent {
  readonly type: WatchEventType;
  readonly object: KubeObject;
  /** The apply that caused it, when one did. */
  readonly changeId: string;
}

export interface ApplyResult {
  readonly object: KubeObject;
  readonly outcome: 'created' | 'configured' | 'unchanged';
}

export interface WriteOptions {
  readonly changeId: string;
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
}

export interface ListOptions {
  readonly namespace?: string;
  /** Kubernetes' label selector text: `app=reviews,version in (v1,v2),!canary`. */
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/**
 * The Kubernetes-style store: the single truth of a sandbox. Objects handed out are frozen; a write that changes nothing keeps its
 * resourceVersion. Watch handlers run synchronously, in the order of the writes. Errors are KubeStatusError with Kubernetes' own
 * reasons (NotFound, AlreadyExists, Conflict, Invalid, BadRequest).
 */
export interface KubeStore {
  readonly kinds: KindRegistry;
  get(kind: string, name: NamespacedName): KubeObject | undefined;
  list(kind: string, options?: ListOptions): KubeObject[];
  create(object: KubeObject, options: WriteOptions): KubeObject;
  /** As `kubectl apply` (client side): create, or three-way merge against the last applied text. */
  apply(object: KubeObject, options: WriteOptions): ApplyResult;
  /** Replaces spec and metadata; a stale resourceVersion is a Conflict. */
  update(object: KubeObject, options: WriteOptions): KubeObject;
  /** JSON merge patch (RFC 7386). */
  patch(kind: string, name: NamespacedName, patch: unknown, options: WriteOptions): KubeObject;
  /** Writes status only; generation stays. */
  updateStatus(kind: string, name: NamespacedName, status: unknown, options: WriteOptions): KubeObject;
  delete(kind: string, name: NamespacedName, options: WriteOptions): KubeObject;
  /** Calls `handler` for each present object as ADDED, then for each change. Returns the function that ends the watch. */
  watch(kind: string | '*', handler: (event: WatchEvent) => void): () => void;
  /** The version of the last write. */
  resourceVersion(): string;
}

/** `kind` arguments above are a kind name, or `Kind.group` where two groups share one (Gateway.networking.istio.io). */
export interface KindRegistry {
  readonly all: readonly KindDefinition[];
  /** Finds by kind, plural, singular or short name, with or without `.group`; any letter case. */
  find(word: string): KindDefinition | undefined;
  /** Finds by apiVersion and kind, any served version. */
  forObject(apiVersion: string, kind: string): KindDefinition | undefined;
}
