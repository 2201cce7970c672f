import {
  adsPaths,
  type DiscoveryRequest,
  type DiscoveryResponse,
  discoveryRequest,
  discoveryResponse,
} from '../wire/discovery.ts';
import type { ClientProtocol, Taken } from './protocol.ts';
import { readWholeResponse } from './receive-whole.ts';
import { addedNames, type Subscription, wants, wantsAll } from './subscription.ts';

/** Held, or sent and refused, in a version that is none of the bytes that may come next. */
const REFUSED = '';

/** What is refused stays named: only what a later response leaves out is removed. */
function book(response: DiscoveryResponse, { subscription, update, rejections, errorDetail }: Taken): void {
  const { held } = subscription;
  for (const name of update.removed) held.delete(name);
  for (const { name, version } of update.upserted) if (wants(subscription, name)) held.set(name, version);
  for (const { name } of rejections) if (wants(subscription, name)) held.set(name, REFUSED);
  if (errorDetail === undefined) subscription.versionInfo = response.versionInfo;
}

/** All names that are wanted: none where all resources are. */
const resourceNames = (subscription: Subscription): string[] => (wantsAll(subscription) ? [] : [...subscription.names]);

/** StreamAggregatedResources: each request tells all names, each response with listeners or clusters all of them. */
export const stateOfTheWorld: ClientProtocol<DiscoveryRequest, DiscoveryResponse> = {
  path: adsPaths.stateOfTheWorld,
  request: discoveryRequest,
  response: discoveryResponse,
  answersTellNames: true,
  opening: (subscription) => ({
    typeUrl: subscription.typeUrl,
    versionInfo: subscription.versionInfo,
    resourceNames: resourceNames(subscription),
  }),
  change(before, after, responseNonce) {
    if (addedNames(before, after).length === 0 && addedNames(after, before).length === 0) return undefined;
    return { ...stateOfTheWorld.opening(after), responseNonce };
  },
  read: readWholeResponse,
  answer(response, taken) {
    book(response, taken);
    return {
      ...stateOfTheWorld.opening(taken.subscription),
      responseNonce: response.nonce,
      ...(taken.errorDetail && { errorDetail: taken.errorDetail }),
    };
  },
};
