import { hash } from 'node:crypto';
import { type DescMessage, fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { errorMessage, MeshworkError } from '#domain';
import type { EncodedResource } from '../doors.ts';
import { NAME_TABLE, type ResourceByType, type RouteConfiguration, type TypeUrl, typeUrls } from '../resources.ts';
import { findBadField } from './bad-field.ts';
import { type CacheLimits, createBoundedCache } from './bounded-cache.ts';
import { createLatestDecoded } from './latest-decoded.ts';
import { messageType, messageTypes, typeNameOf } from './message-types.ts';
import { routeTableBytes } from './route-bytes.ts';

/** google.protobuf.Any on the wire. */
export interface AnyBytes {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

export interface DecodedResource<Url extends TypeUrl = TypeUrl> {
  readonly name: string;
  /** Protobuf JSON, deeply frozen; the same object for the same bytes. */
  readonly json: ResourceByType[Url];
}

export interface XdsCodec {
  /**
   * Encodes a resource given in protobuf JSON. Equal JSON gives the identical result object while it is remembered.
   * Throws MeshworkError `xds.encode`, which names the resource and the path of the field that does not fit.
   */
  encodeResource<Url extends TypeUrl>(typeUrl: Url, json: ResourceByType[Url]): EncodedResource;
  /** Decodes a resource. Throws MeshworkError `xds.decode` for bytes or types that cannot be read. */
  decodeResource<Url extends TypeUrl>(any: { readonly typeUrl: Url; readonly value: Uint8Array }): DecodedResource<Url>;
}

/** The field that names a resource: endpoints are named after their cluster. */
function resourceName(typeUrl: string, json: object): string {
  if (typeUrl === typeUrls.nameTable) return NAME_TABLE;
  const { name: own, cluster_name } = json as { name?: unknown; cluster_name?: unknown };
  const name = typeUrl === typeUrls.endpoint ? cluster_name : own;
  return typeof name === 'string' ? name : '';
}

/** Freezes JSON deeply and puts `@type` first, as a config dump prints it. */
function frozenJson(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozenJson)) as JsonValue[];
  const copy: Record<string, JsonValue> = {};
  const type = value['@type'];
  if (type !== undefined) copy['@type'] = type;
  for (const [key, field] of Object.entries(value)) if (key !== '@type') copy[key] = frozenJson(field);
  return Object.freeze(copy);
}

function messageJson(description: DescMessage, bytes: Uint8Array): object {
  const message = fromBinary(description, bytes);
  return frozenJson(toJson(description, message, { registry: messageTypes(), useProtoFieldName: true })) as object;
}

/** Hexadecimal digits of a resource's version: 64 bits, so two resources of one name never meet in practice. */
const VERSION_LENGTH = 16;

/** What tells one resource's bytes from others of its name. */
export const versionOf = (bytes: Uint8Array): string => hash('sha256', bytes).slice(0, VERSION_LENGTH);

/** The name of a resource that may not be readable in all its parts; undefined: not even that can be read. */
export function nameInBytes(typeUrl: TypeUrl, bytes: Uint8Array): string | undefined {
  try {
    const message = fromBinary(messageType(typeNameOf(typeUrl)), bytes) as { name?: unknown; clusterName?: unknown };
    return resourceName(typeUrl, { name: message.name, cluster_name: message.clusterName }) || undefined;
  } catch {
    return undefined;
  }
}

/** A route table is encoded host by host; everything else as a whole. */
function bytesOf(typeUrl: TypeUrl, description: DescMessage, json: object): Uint8Array {
  if (typeUrl === typeUrls.route) return routeTableBytes(json as RouteConfiguration);
  return toBinary(description, fromJson(description, json as JsonValue, { registry: messageTypes() }));
}

/** An encoded resource; its JSON, which only readers of configuration want, is made when it is first asked for. */
class Encoded implements EncodedResource {
  readonly typeUrl: TypeUrl;
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
  #json: object | undefined;

  constructor({ typeUrl, name, version, bytes }: Omit<EncodedResource, 'json'>) {
    this.typeUrl = typeUrl;
    this.name = name;
    this.version = version;
    this.bytes = bytes;
    Object.freeze(this);
  }

  get json(): object {
    this.#json ??= messageJson(messageType(typeNameOf(this.typeUrl)), this.bytes);
    return this.#json;
  }
}

function encode(typeUrl: TypeUrl, json: object): EncodedResource {
  const name = resourceName(typeUrl, json);
  try {
    const description = messageType(typeNameOf(typeUrl));
    if (name === '') throw new Error(`${typeUrl === typeUrls.endpoint ? 'cluster_name' : 'name'} is missing`);
    const bytes = bytesOf(typeUrl, description, json);
    return new Encoded({ typeUrl, name, version: versionOf(bytes), bytes });
  } catch (cause) {
    const field = findBadField(messageType(typeNameOf(typeUrl)), json as JsonValue);
    const place = `${typeNameOf(typeUrl).split('.').at(-1)} "${name}"${field === '' ? '' : `, ${field}`}`;
    throw new MeshworkError('xds.encode', `${place}: ${errorMessage(cause)}`, { cause });
  }
}

/** A large table is told by its bytes, of which most are known already; to write it out as JSON would take longer. */
const isToldByBytes = (typeUrl: TypeUrl): boolean => typeUrl === typeUrls.route;

/** Makes a codec that remembers resources within `limits`, in each direction; they weigh their encoded bytes. */
export function createXdsCodec(limits: CacheLimits): XdsCodec {
  const encoded = createBoundedCache<EncodedResource>(limits);
  const decoded = createBoundedCache<DecodedResource>(limits);
  const latest = createLatestDecoded();
  return {
    encodeResource(typeUrl, json) {
      const made = isToldByBytes(typeUrl) ? encode(typeUrl, json) : undefined;
      const key = made
        ? `${typeUrl} ${made.name} ${made.version}`
        : `${typeUrl} ${hash('sha256', JSON.stringify(json))}`;
      const known = encoded.get(key);
      if (known) return known;
      const resource = made ?? encode(typeUrl, json);
      encoded.set(key, resource, resource.bytes.length);
      return resource;
    },
    decodeResource<Url extends TypeUrl>(any: { readonly typeUrl: Url; readonly value: Uint8Array }) {
      const same = latest.find(any);
      if (same) return same as DecodedResource<Url>;
      const key = `${any.typeUrl} ${hash('sha256', any.value)}`;
      const known = decoded.get(key);
      if (known) {
        latest.keep(any, known);
        return known as DecodedResource<Url>;
      }
      try {
        const json = messageJson(messageType(typeNameOf(any.typeUrl)), any.value) as ResourceByType[Url];
        const resource: DecodedResource<Url> = Object.freeze({ name: resourceName(any.typeUrl, json), json });
        decoded.set(key, resource as DecodedResource, any.value.length);
        latest.keep(any, resource as DecodedResource);
        return resource;
      } catch (cause) {
        throw new MeshworkError('xds.decode', `${typeNameOf(any.typeUrl)}: ${errorMessage(cause)}`, { cause });
      }
    },
  };
}

/**
 * The codec all proxies of a process share: twelve proxies that receive the same bytes decode them once. What it remembers
 * never shows in an answer, only in the time it takes.
 */
export const { encodeResource, decodeResource }: XdsCodec = createXdsCodec({ entries: 4096, weight: 2 << 20 });
