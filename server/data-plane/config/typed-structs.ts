import { errorMessage, MeshworkError } from '#domain';
import { type Any, mergeMessages } from '#xds';
import { ConfigProblem } from './problem.ts';

const PREFIX = 'type.googleapis.com/';
const STRUCTS: ReadonlySet<unknown> = new Set([
  `${PREFIX}udpa.type.v1.TypedStruct`,
  `${PREFIX}xds.type.v3.TypedStruct`,
]);

interface TypedStruct extends Any {
  readonly type_url?: string;
  readonly value?: object;
}

/**
 * A resource whose configurations in the form of a TypedStruct stand as messages of the types that they name; one of a type that the lab
 * does not know stays as it is. Without any, the same object. Throws ConfigProblem for a struct that does not fit its type.
 * Source: translateOpaqueConfig in Envoy.
 */
export function withoutStructs<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(withoutStructs);
    return items.some((item, i) => item !== value[i]) ? (items as Value) : value;
  }
  if (STRUCTS.has((value as Partial<Any>)['@type'])) return messageOf(value as unknown as TypedStruct) as Value;
  const changed: [string, unknown][] = [];
  for (const [name, each] of Object.entries(value)) {
    const plain: unknown = withoutStructs(each);
    if (plain !== each) changed.push([name, plain]);
  }
  return changed.length === 0 ? value : { ...value, ...Object.fromEntries(changed) };
}

function messageOf(struct: TypedStruct): Any {
  const { type_url: url = '', value = {} } = struct;
  const typeName = url.slice(url.lastIndexOf('/') + 1);
  try {
    return { '@type': `${PREFIX}${typeName}`, ...withoutStructs(mergeMessages(typeName, value, {})) };
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) throw thrown;
    if (thrown instanceof MeshworkError && thrown.code === 'xds.unknown-type') return struct;
    throw new ConfigProblem('typed_config', `Unable to parse JSON as proto (${typeName}): ${errorMessage(thrown)}`);
  }
}
