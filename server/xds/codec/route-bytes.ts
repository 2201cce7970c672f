import { type DescMessage, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import type { RouteConfiguration, VirtualHost } from '../resources.ts';
import { messageType, messageTypes } from './message-types.ts';

const TABLE = 'envoy.config.route.v3.RouteConfiguration';
const HOST = 'envoy.config.route.v3.VirtualHost';

/** Field 2, `virtual_hosts`, whose values carry their length. */
const HOSTS_TAG = 0x12;

/** Hosts are not changed once they are encoded. */
const hostBytes = new WeakMap<VirtualHost, Uint8Array>();

const encode = (description: DescMessage, json: object): Uint8Array =>
  toBinary(description, fromJson(description, json as JsonValue, { registry: messageTypes() }));

function bytesOfHost(host: VirtualHost): Uint8Array {
  const known = hostBytes.get(host);
  if (known !== undefined) return known;
  const bytes = encode(messageType(HOST), host);
  hostBytes.set(host, bytes);
  return bytes;
}

/**
 * Encodes a route table host by host, so that of a table of thousands only those hosts are encoded that were not, by identity, encoded
 * before. The bytes are those that protobuf writes for the whole. Throws as `fromJson` does.
 */
export function routeTableBytes({ name, virtual_hosts = [], ...others }: RouteConfiguration): Uint8Array {
  const table = messageType(TABLE);
  const parts: Uint8Array[] = [encode(table, { name })];
  for (const host of virtual_hosts) {
    const bytes = bytesOfHost(host);
    parts.push(prefix(bytes.length), bytes);
  }
  parts.push(encode(table, others));
  return new Uint8Array(Buffer.concat(parts));
}

/** The tag and the length, seven bits a byte. */
function prefix(length: number): Uint8Array {
  const bytes = [HOSTS_TAG];
  let rest = length;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Uint8Array.of(...bytes, rest);
}
