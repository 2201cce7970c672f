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
  /** Absent: none that the control plane reads. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** For an object generated from others: where its fields really stand. */
  readonly sources?: Sources;
}

/** Places of a generated object's fields, by field path. A path without an entry stands where its nearest parent with one does. */
export type Sources = ReadonlyMap<string, Omit<FieldOrigin, 'generated'>>;

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

/** The place of a field of this object; for a generated object, the place of the field it was generated from. */
export function fieldOf(config: Config<unknown>, path: string): FieldOrigin {
  const { kind, apiVersion, namespace, name, sources } = config;
  const source = sources && findSource(sources, path);
  if (sources === undefined || source === undefined) return { kind, apiVersion, namespace, name, path };
  const sourcePath = (part: string): string => findSource(sources, part)?.path ?? part;
  return { ...source, generated: { kind, apiVersion, namespace, name, sourcePath } };
}

/** `spec.http[1].route[0]`, else `spec.http[1].route`, `spec.http[1]`, `spec.http`, `spec`. */
function findSource(sources: Sources, path: string): Omit<FieldOrigin, 'generated'> | undefined {
  for (let part = path; part !== ''; part = part.slice(0, Math.max(part.lastIndexOf('.'), part.lastIndexOf('['), 0))) {
    const found = sources.get(part);
    if (found !== undefined) return found;
  }
  return sources.get('');
}
