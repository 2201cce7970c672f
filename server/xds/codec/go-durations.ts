import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { formatDuration, parseDurationMs } from '#domain';
import { messageTypes, typeNameOf } from './message-types.ts';

const DURATION = 'google.protobuf.Duration';
const PROTOBUF_FORM = /^-?\d+(\.\d+)?s$/;

/**
 * JSON of a message with every duration in protobuf's form: people who write Envoy configuration by hand also write `24h` or `100ms`, and
 * Istio takes it. What is no duration stays, for the reader of the message to refuse.
 */
export function withProtobufDurations(type: DescMessage, json: unknown): unknown {
  if (!isRecord(json)) return json;
  const packed = json['@type'];
  const actual = typeof packed === 'string' ? messageTypes().getMessage(typeNameOf(packed)) : type;
  if (actual === undefined) return json;
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      const field = actual.fields.find(({ name, jsonName }) => name === key || jsonName === key);
      return [key, field === undefined ? value : convertField(field, value)];
    }),
  );
}

function convertField(field: DescField, value: unknown): unknown {
  if (field.fieldKind === 'message') return convertMessage(field.message, value);
  if (field.fieldKind === 'list' && field.listKind === 'message' && Array.isArray(value)) {
    return value.map((item) => convertMessage(field.message, item));
  }
  if (field.fieldKind === 'map' && field.mapKind === 'message' && isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, convertMessage(field.message, item)]));
  }
  return value;
}

function convertMessage(type: DescMessage, value: unknown): unknown {
  if (type.typeName !== DURATION) return withProtobufDurations(type, value);
  if (typeof value !== 'string' || PROTOBUF_FORM.test(value)) return value;
  const ms = parseDurationMs(value);
  return ms === undefined ? value : formatDuration(ms);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
