import type { KubeObject } from '#domain';
import type { FieldOrigin } from './field-origin.ts';

/** A stored configuration object as the control plane handles it. */
export interface Config<Spec> {
  readonly kind: string;
  /** `networking.istio.io/v1` */
  readonly apiVersion: string;
  readonly namespace: string;
  readonly name: string;
  readonly createdMs: number;
  readonly spec: Spec;
}

export function toConfig<Spec>(object: KubeObject): Config<Spec> {
  return {
    kind: object.kind,
    apiVersion: object.apiVersion,
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    createdMs: Date.parse(object.metadata.creationTimestamp ?? '') || 0,
    spec: (object.spec ?? {}) as Spec,
  };
}

/** Istio's configuration order: the oldest first, then by name, then by namespace. */
export function compareConfigs(a: Config<unknown>, b: Config<unknown>): number {
  return a.createdMs - b.createdMs || compareText(a.name, b.name) || compareText(a.namespace, b.namespace);
}

/** Plain code unit order, the same on every machine. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The place of a field of this object. */
export const fieldOf = (config: Config<unknown>, path: string): FieldOrigin => ({
  kind: config.kind,
  apiVersion: config.apiVersion,
  namespace: config.namespace,
  name: config.name,
  path,
});
