import type { Clock, KindDefinition, KubeObject, NamespacedName, Random } from '#domain';

export type * from './pod-access.ts';
export type * from './server-doors.ts';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface WatchEvent {
  readonly type: WatchEventType;
  readonly object: KubeObject;
  /** The apply that caused it, when one did. */
  readonly changeId: string;
  /** The object before a MODIFIED; absent otherwise. */
  readonly previous?: KubeObject;
}

export interface ApplyResult {
  readonly object: KubeObject;
  readonly outcome: 'created' | 'configured' | 'unchanged';
}

export interface WriteOptions {
  readonly changeId: string;
  /** Recorded in `metadata.managedFields` as owner of what the write changes. Absent: nothing is recorded. */
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  /** What unknown fields lead to. Absent: `Strict`. `Warn` and `Ignore` drop them. */
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  /** Called with each warning of decoding and of the kind's rules. */
  warn?(text: string): void;
}

export interface UpdateOptions extends WriteOptions {
  /** Only this part is written. */
  readonly subresource?: 'status';
}

export interface ServerSideApplyOptions extends UpdateOptions {
  readonly fieldManager: string;
  /** Takes fields from other managers. */
  readonly force?: boolean;
}

export interface DeleteOptions extends WriteOptions {
  /** What becomes of objects that this one owns. Absent: `Background`. */
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  /** How long it may take to end, where the kind knows such a time; 0: it is gone at once. Absent: what the object itself says. */
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
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
  /** Replaces spec and metadata, or only the status; a stale resourceVersion is a Conflict. */
  update(object: KubeObject, options: UpdateOptions): KubeObject;
  /** As `kubectl apply --server-side`: fields have owners, and a field of another manager is a Conflict unless forced. */
  serverSideApply(object: KubeObject, options: ServerSideApplyOptions): ApplyResult;
  /** JSON merge patch (RFC 7386). */
  patch(kind: string, name: NamespacedName, patch: unknown, options: WriteOptions): KubeObject;
  /** Writes status only; generation stays. */
  updateStatus(kind: string, name: NamespacedName, status: unknown, options: WriteOptions): KubeObject;
  /**
   * Removes, or marks as dying while finalizers, dependents or its own time to end hold it. Whoever ends it then deletes it once more, with no
   * time left. Returns the object as it was last.
   */
  delete(kind: string, name: NamespacedName, options: DeleteOptions): KubeObject;
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

/**
 * What the API server does for a kind beyond KindDefinition. Kinds without these fields are served as a CRD with a status sub-resource
 * would be: generation counts, status is written by updateStatus only.
 */
export interface ServedKind extends KindDefinition {
  /** Fills in what the object leaves out, as the API server's defaulting does. Called on a private copy, which it may change. */
  setDefaults?(object: KubeObject): void;
  /** Fills in what depends on the new object's uid. Called once, after validation, on a private copy. */
  completeNew?(object: KubeObject): void;
  /** True: changes of the spec raise metadata.generation. Absent: true. */
  readonly countsGenerations?: boolean;
  /** What status a new object gets; absent: none. A client's own status is dropped on create, unless `keepsStatus`. */
  initialStatus?(object: KubeObject): unknown;
  /**
   * How many seconds such an object has to end after it was deleted; `wanted` is what the client asks for. Absent: it is removed at once.
   */
  graceSeconds?(object: KubeObject, wanted: number | undefined): number;
  /** True: create keeps the status that it is given (a Node that registers itself). */
  readonly keepsStatus?: boolean;
  /** Why clients can neither create nor delete objects of the kind. Absent: they can. */
  readonly fixed?: string;
  /** What an object's name must be; `path` is anything that fits between two slashes. Absent: `subdomain`. */
  readonly nameRule?: 'subdomain' | 'label' | 'label-1035' | 'path';
}

export interface KubeStoreOptions {
  readonly kinds: KindRegistry;
  readonly clock: Clock;
  /** Source of uids and generated names. Absent: a fixed seed. */
  readonly random?: Random;
  /** Most objects kept. Absent: 10,000. */
  readonly maxObjects?: number;
}

/** Kubernetes' Status object, as an API server answers when it refuses. */
export interface KubeStatus {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason: KubeStatusReason;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly causes?: readonly KubeStatusCause[];
    readonly retryAfterSeconds?: number;
  };
  readonly code: number;
}

export type KubeStatusReason =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Invalid'
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'Expired'
  | 'UnsupportedMediaType'
  | 'RequestEntityTooLarge'
  | 'TooManyRequests'
  | 'InternalError'
  | 'ServiceUnavailable'
  | 'Timeout'
  | '';

export interface KubeStatusCause {
  readonly reason: string;
  readonly message: string;
  /** Field path. */
  readonly field: string;
}
