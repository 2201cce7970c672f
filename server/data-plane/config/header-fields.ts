import type { Metadata } from '#xds';
import { ConfigProblem } from './problem.ts';
import { type Fields, readNumber, record } from './values.ts';

/** A further field (TLV) of a PROXY protocol header of version 2. */
export interface HeaderField {
  readonly type: number;
  readonly value: Buffer;
}

/** Whether a field of this type is passed on. */
export type FieldChoice = (type: number) => boolean;

/** Reads envoy.config.core.v3.ProxyProtocolPassThroughTLVs; absent: none. */
export function readFieldChoice(given: unknown): FieldChoice {
  const choice = record(given);
  if (choice === undefined) return () => false;
  if (choice['match_type'] !== 'INCLUDE') return () => true;
  const types = new Set(((choice['tlv_type'] ?? []) as readonly number[]).map((type) => type & 0xff));
  return (type) => types.has(type);
}

/** Reads a list of envoy.config.core.v3.TlvEntry. Throws ConfigProblem. */
export const readHeaderFields = (given: unknown): HeaderField[] =>
  ((given ?? []) as readonly Fields[]).map((entry, i) => {
    const type = readNumber(entry['type'], 0);
    if (type > 0xff) throw new ConfigProblem(`added_tlvs[${i}].type`, 'value must be less than 256');
    const value = Buffer.from(String(entry['value'] ?? ''), 'base64');
    if (value.length === 0) throw new ConfigProblem(`added_tlvs[${i}].value`, 'value length must be at least 1 bytes');
    return { type, value };
  });

const OF_ENDPOINT = 'envoy.transport_sockets.proxy_protocol';

/** What an endpoint adds to the header, in place of its cluster's fields of the same types; as in Envoy, none where that cannot be read. */
export function endpointFields(metadata: Metadata | undefined): readonly HeaderField[] {
  const typed = (metadata as { typed_filter_metadata?: Fields } | undefined)?.typed_filter_metadata;
  try {
    return readHeaderFields(record(typed?.[OF_ENDPOINT])?.['added_tlvs']);
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) return [];
    throw thrown;
  }
}
