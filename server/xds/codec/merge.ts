import { fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { type ReflectList, type ReflectMap, type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { Any } from '../resources.ts';
import { withProtobufDurations } from './go-durations.ts';
import { messageType, messageTypes, typeNameOf } from './message-types.ts';

export interface MergeOptions {
  /** Lists that `patch` sets take the place of those they meet, instead of being appended. */
  readonly replaceLists: boolean;
}

/**
 * Merges two messages in protobuf JSON by protobuf's own rules: what `patch` sets replaces single values, lists are appended, messages
 * are merged field by field, entries of maps are replaced, and setting one member of a oneof clears the others. Durations are
 * values, not messages. Throws for JSON that is no such message. Source: istio's pkg/proto/merge, after proto.Merge.
 */
export function mergeMessages<Message extends object>(
  typeName: string,
  target: Message,
  patch: object,
  { replaceLists }: MergeOptions = { replaceLists: false },
): Message {
  const description = messageType(typeName);
  const registry = messageTypes();
  const merged = fromJson(description, target as JsonValue, { registry });
  const given = fromJson(description, patch as JsonValue, { registry, ignoreUnknownFields: true });
  mergeInto(reflect(description, merged), reflect(description, given), replaceLists);
  return toJson(description, merged, { registry, useProtoFieldName: true }) as Message;
}

/** Merges two packed messages; undefined when they are of different types. */
export function mergeAny(target: Any, patch: Any): Any | undefined {
  const type = target['@type'];
  if (patch['@type'] !== type) return undefined;
  const fields = ({ '@type': _, ...rest }: Any): object => rest;
  return { '@type': type, ...mergeMessages(typeNameOf(type), fields(target), fields(patch)) };
}

/** A message as a config dump prints it: proto field names, no unknown fields. Undefined when the JSON does not fit the type. */
export function canonicalMessage(typeName: string, json: unknown): object | undefined {
  const description = messageType(typeName);
  const registry = messageTypes();
  try {
    const given = withProtobufDurations(description, json) as JsonValue;
    const message = fromJson(description, given, { registry, ignoreUnknownFields: true });
    return toJson(description, message, { registry, useProtoFieldName: true }) as object;
  } catch (thrown) {
    // Whoever wrote it hears of it from validation; here it only counts as absent.
    if (thrown instanceof Error) return undefined;
    throw thrown;
  }
}

const DURATION = 'google.protobuf.Duration';

function mergeInto(target: ReflectMessage, patch: ReflectMessage, replaceLists: boolean): void {
  for (const field of patch.fields) {
    if (!patch.isSet(field)) continue;
    switch (field.fieldKind) {
      case 'list': {
        const list = target.get(field) as ReflectList;
        if (replaceLists) list.clear();
        for (const item of patch.get(field) as ReflectList) list.add(item);
        break;
      }
      case 'map': {
        const map = target.get(field) as ReflectMap;
        for (const [key, value] of patch.get(field) as ReflectMap) map.set(key, value);
        break;
      }
      case 'message': {
        const given = patch.get(field);
        if (field.message.typeName === DURATION || !target.isSet(field)) {
          target.set(field, given);
          break;
        }
        const held = target.get(field);
        mergeInto(held, given, replaceLists);
        // Wrappers and structs are handed out as copies.
        target.set(field, held);
        break;
      }
      default:
        target.set(field, patch.get(field));
    }
  }
}
