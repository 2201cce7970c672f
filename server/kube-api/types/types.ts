import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KindDefinition } from '#domain';

/** A field of a Kubernetes type, with the short names of `types.json` (see scripts/build-kube-types.ts). */
export interface TypeField {
  /** Go type without pointer: `string`, `core.v1.PodSpec`, `[]core.v1.Container`, `map[string]string`. */
  readonly t: string;
  /** Protobuf field number. */
  readonly n?: number;
  /** Keys of a list's items. */
  readonly k?: readonly string[];
  /** `set` or `atomic`. */
  readonly l?: string;
  /** Items that are replaced whole. */
  readonly i?: 'atomic';
  /** Merge key of a strategic patch. */
  readonly m?: string;
  /** Patch strategy: `merge`, `replace`, `retainKeys`, or two of them with a comma. */
  readonly s?: string;
  /** Required. */
  readonly r?: 1;
  /** Optional, and written even when it is empty. */
  readonly w?: 1;
  /** Part of an empty object, as `{}`. */
  readonly v?: 1;
  /** A scalar whose zero is not the same as absent. */
  readonly p?: 1;
}

export type TypeFields = Readonly<Record<string, TypeField>>;

let types: Readonly<Record<string, TypeFields>> | undefined;

/** The fields of a type as JSON has them, with inlined structs in place; undefined for scalars and unknown types. */
export function fieldsOf(type: string): TypeFields | undefined {
  const fields = wireFieldsOf(type);
  if (!fields) return undefined;
  const known = flat.get(type);
  if (known) return known;
  const result: Record<string, TypeField> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (name.startsWith('~')) Object.assign(result, fieldsOf(field.t));
    else result[name] = field;
  }
  flat.set(type, result);
  return result;
}

const flat = new Map<string, TypeFields>();

/** The fields as protobuf has them: an inlined struct is a message of its own, named `~` and its type. */
export function wireFieldsOf(type: string): TypeFields | undefined {
  types ??= JSON.parse(readFileSync(join(import.meta.dirname, 'types.json'), 'utf8')) as Record<string, TypeFields>;
  return Object.hasOwn(types, type) ? types[type] : undefined;
}

/** The type's name for a kind of Kubernetes itself (`apps.v1.Deployment`); undefined for kinds of others. */
export function typeOf(kind: Pick<KindDefinition, 'group' | 'versions' | 'kind'>): string | undefined {
  return typeNamed(kind.group, kind.versions[0] ?? '', kind.kind);
}

export function typeNamed(group: string, version: string, kind: string): string | undefined {
  if (group.includes('.') && !isKubernetesGroup(group)) return undefined;
  const name = `${group === '' ? 'core' : group.split('.')[0]}.${version}.${kind}`;
  return fieldsOf(name) ? name : undefined;
}

const OTHERS = new Set(['gateway.networking.k8s.io', 'inference.networking.k8s.io']);

/** Groups that a cluster serves without any CRD. */
export function isKubernetesGroup(group: string): boolean {
  if (OTHERS.has(group) || group.endsWith('.x-k8s.io')) return false;
  return !group.includes('.') || group.endsWith('.k8s.io');
}

/** `core.v1.Container` of `[]core.v1.Container`; undefined for what is no list. */
export const itemType = (type: string): string | undefined => (type.startsWith('[]') ? type.slice(2) : undefined);

/** The values' type of a map; undefined for what is no map. */
export const valueType = (type: string): string | undefined =>
  type.startsWith('map[string]') ? type.slice('map[string]'.length) : undefined;
