import type { JsonSchema, KindDefinition } from '#domain';
import { isRecord, type JsonRecord } from '../json.ts';
import { fieldsOf, itemType, type TypeField, typeOf, valueType } from './types.ts';

/** How a list merges when several parties write it. */
export type ListForm = { readonly form: 'map'; readonly keys: readonly string[] } | { readonly form: 'set' | 'atomic' };

/**
 * What merging must know about a place in an object. Shapes of Kubernetes' kinds come from their Go types, those of custom kinds from their
 * schema, where every list is atomic unless the CRD says otherwise.
 */
export interface Shape {
  /** The shape below a key; `declared` is false where the key is a map's own, such as a label. */
  child(key: string): Shape & { readonly declared: boolean };
  /** The shape of a list's items. */
  item(): Shape;
  readonly list: ListForm;
  /** A map or struct that is replaced whole. */
  readonly atomic: boolean;
  readonly mergeKey?: string | undefined;
  readonly strategy?: string | undefined;
  /** Fields that an empty object has already. */
  readonly present: readonly string[];
  /** The Go type's name, where there is one. */
  readonly type?: string | undefined;
  /** True where nothing is known: scalars, and fields that keep any JSON. */
  readonly opaque: boolean;
}

const ATOMIC: ListForm = { form: 'atomic' };

function listForm(field: Partial<TypeField>): ListForm {
  if (field.k) return { form: 'map', keys: field.k };
  return field.l === 'set' ? { form: 'set' } : ATOMIC;
}

function typed(type: string, field: Partial<TypeField> = {}): Shape {
  const fields = fieldsOf(type);
  const values = valueType(type);
  return {
    child: (key) => {
      const known = fields && Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (known) return { ...typed(known.t, known), declared: true };
      return { ...(values === undefined ? OPAQUE : typed(values)), declared: false };
    },
    item: () => typed(itemType(type) ?? '', field.i ? { l: field.i } : {}),
    list: listForm(field),
    atomic: field.l === 'atomic',
    mergeKey: field.m,
    strategy: field.s,
    get present() {
      return Object.entries(fields ?? {}).flatMap(([name, each]) => (each.v ? [name] : []));
    },
    type,
    opaque: !fields && values === undefined && itemType(type) === undefined,
  };
}

const OPAQUE: Shape = typed('');

/** Lists of Gateway API's CRDs that merge by key; all their others are atomic. */
const KEYED: Readonly<Record<string, readonly string[]>> = { listeners: ['name'], conditions: ['type'] };

interface SchemaPlace {
  readonly schema: JsonRecord | undefined;
  readonly root: JsonSchema;
  readonly keyed: boolean;
}

function deref(schema: unknown, root: JsonSchema): JsonRecord | undefined {
  if (!isRecord(schema)) return undefined;
  const reference = schema['$ref'];
  if (typeof reference !== 'string') return schema;
  const definitions = root['$defs'];
  const target = isRecord(definitions) ? definitions[reference.slice('#/$defs/'.length)] : undefined;
  return isRecord(target) ? target : undefined;
}

function schematic(place: SchemaPlace, name = ''): Shape {
  const { schema, root, keyed } = place;
  const properties = isRecord(schema?.['properties']) ? schema['properties'] : {};
  const keys = keyed && Object.hasOwn(KEYED, name) ? KEYED[name] : undefined;
  const below = (child: unknown, at: string): Shape => schematic({ ...place, schema: deref(child, root) }, at);
  return {
    child: (key) =>
      Object.hasOwn(properties, key)
        ? { ...below(properties[key], key), declared: true }
        : { ...below(schema?.['additionalProperties'], ''), declared: false },
    item: () => below(schema?.['items'], ''),
    list: keys ? { form: 'map', keys } : ATOMIC,
    atomic: false,
    present: [],
    opaque: schema === undefined,
  };
}

/** The shape of a kind's objects. */
export function shapeOf(kind: KindDefinition): Shape {
  const known = shapes.get(kind);
  if (known) return known;
  const shape = buildShape(kind);
  shapes.set(kind, shape);
  return shape;
}

const shapes = new WeakMap<KindDefinition, Shape>();

function buildShape(kind: KindDefinition): Shape {
  const type = typeOf(kind);
  if (type) return typed(type);
  const root = kind.schema?.() ?? {};
  const custom = schematic({ schema: root, root, keyed: kind.group === 'gateway.networking.k8s.io' });
  const metadata = { ...typed('meta.v1.ObjectMeta'), declared: true };
  return { ...custom, child: (key) => (key === 'metadata' ? metadata : custom.child(key)) };
}
