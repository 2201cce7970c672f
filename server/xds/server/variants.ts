import type { AdsVariant, EncodedResource } from '../doors.ts';
import type { DeltaDiscoveryRequest, DiscoveryRequest, ErrorDetail, NodeMessage } from '../wire/discovery.ts';
import {
  deltaDiscoveryRequest,
  deltaDiscoveryResponse,
  discoveryRequest,
  discoveryResponse,
} from '../wire/discovery.ts';
import { isRetained } from './retained.ts';
import {
  type Composed,
  forget,
  isComplete,
  isSubscribedTo,
  type ResourcesByName,
  subscribed,
  type TypeState,
} from './type-state.ts';

/** What both kinds of request have in common. */
export interface AnyRequest {
  readonly node?: NodeMessage;
  readonly typeUrl: string;
  readonly responseNonce: string;
  readonly errorDetail?: ErrorDetail;
}

export interface ResponseHead {
  readonly typeUrl: string;
  readonly versionInfo: string;
  readonly nonce: string;
}

/** How the two variants of the protocol differ; everything else a stream does is the same. */
export interface Variant<Request extends AnyRequest> {
  readonly name: AdsVariant;
  read(bytes: Uint8Array): Request;
  /** All names that the request carries, to bound them. */
  names(request: Request): readonly string[];
  /** Whether a nonce that is not the latest makes the whole request void. */
  readonly dropsStale: boolean;
  subscribe(state: TypeState, request: Request): void;
  /** What to send now, undefined when nothing is due. */
  compose(state: TypeState, resources: ResourcesByName): Composed | undefined;
  write(head: ResponseHead, composed: Composed): Buffer;
}

const WILDCARD = '*';

const isDue = (state: TypeState, { name, version }: EncodedResource): boolean =>
  state.known.get(name) !== version || state.forced.has(name);

/**
 * What is due, and with it all that was refused: Envoy refuses a response as a whole, so that one bad resource takes others along.
 * Nothing is sent for their sake alone, since the client has said what it thinks of them. istiod repeats everything with each push.
 */
function withRefused(
  state: TypeState,
  wanted: ResourcesByName,
  due: readonly EncodedResource[],
): readonly EncodedResource[] {
  if (state.refused.size === 0) return due;
  return [...wanted.values()].filter((resource) => isDue(state, resource) || state.refused.has(resource.name));
}

// --- State of the world ---------------------------------------------------------------------------------------------------

/** A request states the whole set of names. Source: xDS protocol, "How the client specifies what resources to return". */
function subscribeWhole(state: TypeState, request: DiscoveryRequest): void {
  const first = !state.requested;
  state.requested = true;
  const names = new Set(request.resourceNames);
  if (names.size > 0) state.everNamed = true;
  const wildcard = names.delete(WILDCARD) || (names.size === 0 && !state.everNamed && isComplete(state.typeUrl));
  const added = [...names].filter((name) => !state.names.has(name));
  const widened = wildcard && !state.wildcard;
  state.wildcard = wildcard;
  state.names.clear();
  for (const name of names) state.names.add(name);
  for (const name of [...state.known.keys()]) if (!isSubscribedTo(state, name)) forget(state, name);
  for (const name of added) state.forced.add(name);
  if ((first && (wildcard || names.size > 0)) || widened || added.length > 0) state.answerDue = true;
}

function composeWhole(state: TypeState, resources: ResourcesByName): Composed | undefined {
  const wanted = subscribed(state, resources);
  const changed = [...wanted.values()].filter((resource) => isDue(state, resource));
  if (!isComplete(state.typeUrl)) {
    return changed.length > 0 ? { upserts: withRefused(state, wanted, changed), removed: [] } : undefined;
  }
  const removed = [...state.known.keys()].filter((name) => !wanted.has(name));
  if (changed.length === 0 && removed.length === 0 && !state.answerDue) return undefined;
  return { upserts: [...wanted.values()], removed };
}

/** StreamAggregatedResources. */
export const stateOfTheWorld: Variant<DiscoveryRequest> = {
  name: 'state of the world',
  read: discoveryRequest.read,
  names: (request) => request.resourceNames,
  dropsStale: true,
  subscribe: subscribeWhole,
  compose: composeWhole,
  write: (head, { upserts }) =>
    discoveryResponse.write({
      ...head,
      resources: upserts.map(({ typeUrl, bytes }) => ({ typeUrl, value: bytes })),
    }),
};

// --- Delta ----------------------------------------------------------------------------------------------------------------

/** The first request of a type tells what the client still holds from an earlier stream. */
function subscribeFirst(state: TypeState, request: DeltaDiscoveryRequest): void {
  state.requested = true;
  const names = new Set(request.resourceNamesSubscribe);
  state.everNamed = names.size > 0;
  state.wildcard = names.delete(WILDCARD) || (names.size === 0 && isComplete(state.typeUrl));
  for (const name of names) state.names.add(name);
  for (const [name, version] of Object.entries(request.initialResourceVersions)) {
    if (!isSubscribedTo(state, name)) continue;
    state.known.set(name, version);
    if (isRetained(state.typeUrl)) state.lingering.add(name);
  }
  for (const name of names) if (!state.known.has(name)) state.forced.add(name);
  // Unlike istiod, which repeats what has not changed, the answer to a client that holds everything is empty; its ACK still
  // shows that the proxy is in step.
  state.answerDue = state.wildcard || names.size > 0;
}

function subscribeMore(state: TypeState, request: DeltaDiscoveryRequest): void {
  for (const name of request.resourceNamesSubscribe) {
    state.everNamed = true;
    if (name === WILDCARD) {
      state.wildcard = true;
      state.answerDue = true;
    } else {
      state.names.add(name);
      // Asked for again means sent again, even if the client should have it.
      state.forced.add(name);
    }
  }
  for (const name of request.resourceNamesUnsubscribe) {
    if (name === WILDCARD) state.wildcard = false;
    else if (state.names.delete(name) && state.wildcard) state.forced.add(name);
  }
  if (request.resourceNamesUnsubscribe.length === 0) return;
  for (const name of [...state.known.keys(), ...state.forced]) if (!isSubscribedTo(state, name)) forget(state, name);
}

function composeDelta(state: TypeState, resources: ResourcesByName): Composed | undefined {
  const wanted = subscribed(state, resources);
  const changed = [...wanted.values()].filter((resource) => isDue(state, resource));
  const gone = [...state.known.keys(), ...state.forced].filter((name) => !wanted.has(name));
  const removed = new Set(gone.filter((name) => !state.lingering.has(name)));
  if (changed.length === 0 && removed.size === 0 && !state.answerDue) return undefined;
  return { upserts: withRefused(state, wanted, changed), removed: [...removed] };
}

/** DeltaAggregatedResources. */
export const delta: Variant<DeltaDiscoveryRequest> = {
  name: 'delta',
  read: deltaDiscoveryRequest.read,
  names: (request) => [
    ...request.resourceNamesSubscribe,
    ...request.resourceNamesUnsubscribe,
    ...Object.keys(request.initialResourceVersions),
  ],
  // Names arrive as differences, so each request counts, whatever response crossed it on the way.
  dropsStale: false,
  subscribe: (state, request) => (state.requested ? subscribeMore(state, request) : subscribeFirst(state, request)),
  compose: composeDelta,
  write: ({ versionInfo, ...head }, { upserts, removed }) =>
    deltaDiscoveryResponse.write({
      ...head,
      systemVersionInfo: versionInfo,
      resources: upserts.map(({ name, version, typeUrl, bytes }) => ({
        name,
        version,
        resource: { typeUrl, value: bytes },
      })),
      removedResources: removed,
    }),
};
