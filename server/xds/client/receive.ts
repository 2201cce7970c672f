import { errorMessage } from '#domain';
import { decodeResource } from '../codec/codec.ts';
import type { Rejection, XdsUpdate } from '../doors.ts';
import type { TypeUrl } from '../resources.ts';
import type { DeltaDiscoveryResponse } from '../wire/discovery.ts';
import { type Subscription, wants } from './subscription.ts';

type Upserted = XdsUpdate['upserted'][number];

/** A response as the proxy sees it: what could be read, and what could not. */
export interface ReadResponse {
  readonly update: XdsUpdate;
  readonly rejections: readonly Rejection[];
}

type Item = DeltaDiscoveryResponse['resources'][number];

/** Why it cannot be what the response says it is. */
function mismatch(typeUrl: TypeUrl, { resource }: Item): string | undefined {
  return resource === undefined || resource.typeUrl === typeUrl
    ? undefined
    : `its type is ${resource.typeUrl}, not ${typeUrl}`;
}

function readOne(typeUrl: TypeUrl, item: Item): Upserted {
  if (!item.resource) throw new Error('the response has no body for it');
  const { name, json } = decodeResource({ typeUrl, value: item.resource.value });
  if (name !== item.name) throw new Error(`the message inside is named "${name}"`);
  return { name, version: item.version, resource: json };
}

/**
 * Decodes a response. What was not asked for is left out silently, as the protocol wants, unless it is of another type; what cannot be
 * read is rejected alone. Of two under one name neither is taken: which of them is meant nobody can tell.
 */
export function readResponse(response: DeltaDiscoveryResponse, subscription: Subscription): ReadResponse {
  const upserted = new Map<string, Upserted>();
  const seen = new Set<string>();
  const rejections: Rejection[] = [];
  for (const item of response.resources) {
    const wrong = mismatch(subscription.typeUrl, item);
    if (wrong === undefined && !wants(subscription, item.name)) continue;
    try {
      if (wrong !== undefined) throw new Error(wrong);
      if (seen.has(item.name)) {
        upserted.delete(item.name);
        throw new Error(`duplicate name ${item.name} found among added/updated resources`);
      }
      seen.add(item.name);
      upserted.set(item.name, readOne(subscription.typeUrl, item));
    } catch (thrown) {
      rejections.push({ name: item.name, message: errorMessage(thrown) });
    }
  }
  const update = {
    typeUrl: subscription.typeUrl,
    versionInfo: response.systemVersionInfo,
    upserted: [...upserted.values()],
    removed: response.removedResources.filter((name) => wants(subscription, name)),
    ...(rejections.length > 0 && { unreadable: rejections }),
  };
  return { update, rejections };
}

const MAX_NACK_TEXT = 4096;

/** The text of a NACK: each rejected resource and why. */
export function nackText(rejections: readonly Rejection[]): string {
  return rejections
    .map(({ name, message }) => `${name}: ${message}`)
    .join('; ')
    .slice(0, MAX_NACK_TEXT);
}
