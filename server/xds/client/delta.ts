import {
  adsPaths,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  deltaDiscoveryRequest,
  deltaDiscoveryResponse,
} from '../wire/discovery.ts';
import type { ClientProtocol, Taken } from './protocol.ts';
import { readResponse } from './receive.ts';
import { addedNames, wants, wantsAll } from './subscription.ts';

/** Names what was taken with its version, so that the next stream can tell what is held. */
function book({ subscription, update, rejections }: Taken): void {
  const refused = new Set(rejections.map(({ name }) => name));
  for (const { name, version } of update.upserted) {
    if (!refused.has(name) && wants(subscription, name)) subscription.held.set(name, version);
  }
  for (const name of update.removed) if (!refused.has(name)) subscription.held.delete(name);
}

/** DeltaAggregatedResources: names and resources travel as differences. */
export const delta: ClientProtocol<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = {
  path: adsPaths.delta,
  request: deltaDiscoveryRequest,
  response: deltaDiscoveryResponse,
  answersTellNames: false,
  opening: (subscription) => ({
    typeUrl: subscription.typeUrl,
    // As Envoy: nothing named from the start means all.
    resourceNamesSubscribe: wantsAll(subscription) ? [] : [...subscription.names],
    initialResourceVersions: Object.fromEntries(subscription.held),
  }),
  change(before, after) {
    const [added, dropped] = [addedNames(before, after), addedNames(after, before)];
    if (added.length === 0 && dropped.length === 0) return undefined;
    return { typeUrl: after.typeUrl, resourceNamesSubscribe: added, resourceNamesUnsubscribe: dropped };
  },
  read: readResponse,
  answer({ typeUrl, nonce }, taken) {
    book(taken);
    return { typeUrl, responseNonce: nonce, ...(taken.errorDetail && { errorDetail: taken.errorDetail }) };
  },
};
