import { errorMessage } from '#domain';
import { type AnyBytes, decodeResource, nameInBytes, versionOf } from '../codec/codec.ts';
import type { Rejection, XdsUpdate } from '../doors.ts';
import { type TypeUrl, typeUrls } from '../resources.ts';
import { type DiscoveryResponse, resourceWrapper, WRAPPER } from '../wire/discovery.ts';
import type { ReadResponse } from './receive.ts';
import { type Subscription, wants } from './subscription.ts';

type Upserted = XdsUpdate['upserted'][number];

/** Types of which a response has all that there are: what it leaves out is gone. */
const COMPLETE: ReadonlyMap<TypeUrl, string> = new Map([
  [typeUrls.listener, 'listener'],
  [typeUrls.cluster, 'cluster'],
]);

/** A resource may come in an envelope that names it. */
function unwrapped(any: AnyBytes): AnyBytes {
  if (any.typeUrl !== WRAPPER) return any;
  const { resource } = resourceWrapper.read(any.value);
  if (resource === undefined) throw new Error('the response has no body for it');
  return resource;
}

/** Reads one response resource by resource. */
class WholeReader {
  readonly upserted = new Map<string, Upserted>();
  readonly rejections: Rejection[] = [];
  /** Names that the response has, refused ones among them. */
  readonly named = new Set<string>();
  /** Something in it is not known even by name. */
  nameless = false;
  readonly #subscription: Subscription;

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
  }

  read(given: AnyBytes, index: number): void {
    const { typeUrl } = this.#subscription;
    let value: Uint8Array | undefined;
    try {
      const resource = unwrapped(given);
      if (resource.typeUrl !== typeUrl) throw new Error(`its type is ${resource.typeUrl}, not ${typeUrl}`);
      value = resource.value;
      const { name, json } = decodeResource({ typeUrl, value });
      if (name === '') throw new Error('it has no name');
      this.#take({ name, version: versionOf(value), resource: json });
    } catch (thrown) {
      this.#refuse(value && nameInBytes(typeUrl, value), `resources[${index}]`, errorMessage(thrown));
    }
  }

  #take(read: Upserted): void {
    if (!wants(this.#subscription, read.name)) return;
    if (this.named.has(read.name)) this.#second(read.name);
    else this.upserted.set(read.name, read);
    this.named.add(read.name);
  }

  #refuse(name: string | undefined, place: string, message: string): void {
    if (name === undefined) this.nameless = true;
    else if (!wants(this.#subscription, name)) return;
    else this.named.add(name);
    this.rejections.push({ name: name ?? place, message });
  }

  /** As in Envoy, the first of two is taken; where a response has all of its type, the second is refused. */
  #second(name: string): void {
    const kind = COMPLETE.get(this.#subscription.typeUrl);
    if (kind !== undefined) this.rejections.push({ name, message: `duplicate ${kind} ${name} found` });
  }
}

/**
 * Decodes a response that has all clusters or listeners, or those of the named resources that changed. Of the former, what is held and
 * has not changed is left out, and what is held and did not come is removed: not while something came that cannot even be told by name,
 * because it may be just that. Where names are asked for, what did not come is as it was.
 */
export function readWholeResponse(response: DiscoveryResponse, subscription: Subscription): ReadResponse {
  const { typeUrl, held } = subscription;
  const reader = new WholeReader(subscription);
  for (const [index, any] of response.resources.entries()) reader.read(any, index);
  const { upserted, rejections, named, nameless } = reader;
  const isComplete = COMPLETE.has(typeUrl);
  const update = {
    typeUrl,
    versionInfo: response.versionInfo,
    upserted: [...upserted.values()].filter(({ name, version }) => !isComplete || held.get(name) !== version),
    removed: isComplete && !nameless ? [...held.keys()].filter((name) => !named.has(name)) : [],
    ...(rejections.length > 0 && { unreadable: rejections }),
  };
  return { update, rejections };
}
