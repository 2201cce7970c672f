/** Kubernetes' object shape, as far as every kind shares it. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  ownerReferences?: OwnerReference[];
  managedFields?: unknown[];
  finalizers?: string[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface KubeObject<Spec = unknown, Status = unknown> {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec?: Spec;
  status?: Status;
  /** Kinds without spec (ConfigMap.data, EndpointSlice.endpoints …) keep their fields at the top. */
  [field: string]: unknown;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

/** A column of `kubectl get`; priority above 0 shows with `-o wide` only. */
export interface PrintColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly priority: number;
  /** The cell's text. `nowMs` is wall time, for ages. */
  cell(object: KubeObject, nowMs: number): string;
}

/** What is wrong with a field: Kubernetes' own cause reasons, Istio's own messages. */
export interface FieldProblem {
  readonly severity: 'error' | 'warning';
  /** Field path, e.g. `spec.http[0].route[1].weight`. */
  readonly path: string;
  readonly message: string;
  /** What admission says of it, where that has other words. */
  readonly warning?: string;
  /** A permanent code (`IST0xxx` where Istio has one, `MW…` where only we do). */
  readonly code?: string;
  readonly hint?: string;
  /** What certainly was meant in the place of the key or the value. */
  readonly meant?: string;
}

/** One kind that the API serves: what `kubectl api-resources`, the editor's schema and validation all rest on. */
export interface KindDefinition {
  readonly group: string;
  /** Served versions, the preferred (storage) one first. All are read and written as one. */
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly columns: readonly PrintColumn[];
  /**
   * JSON Schema of the whole object, with descriptions; loaded when first asked for. Some kinds differ in a version; absent version: the
   * preferred one. Absent: fields are not checked.
   */
  schema?(version?: string): JsonSchema;
  /** Rules beyond the schema, as the API server or Istio's webhook checks them. */
  validate?(object: KubeObject): FieldProblem[];
  /** Rules between the old and the new object, such as immutable fields. */
  validateUpdate?(object: KubeObject, old: KubeObject): FieldProblem[];
}
