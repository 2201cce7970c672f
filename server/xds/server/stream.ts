import type { NodeLocality, ProxyNode, PushEvent, PushState, XdsSnapshot } from '../doors.ts';
import { pushOrder } from '../push-order.ts';
import { type Cluster, type TypeUrl, typeUrls } from '../resources.ts';
import { createRetainedResources, retainedTypes } from './retained.ts';
import {
  type Composed,
  isSubscribedTo,
  newTypeState,
  noteSent,
  type SentResponse,
  type TypeState,
} from './type-state.ts';
import type { AnyRequest, Variant } from './variants.ts';

/** Bounds on what one client may ask for. */
export const requestLimits = { bytes: 1 << 20, names: 10_000, nameLength: 1024 } as const;

/** A request that ends its stream: the client broke the protocol. */
export class ProtocolViolation extends Error {
  readonly reason: 'invalid' | 'too large' | 'forbidden';
  constructor(reason: ProtocolViolation['reason'], message: string) {
    super(message);
    this.name = 'ProtocolViolation';
    this.reason = reason;
  }
}

export interface AdsStreamOptions<Request extends AnyRequest> {
  readonly variant: Variant<Request>;
  /** Makes nonces; unique within the server. */
  readonly nextNonce: () => string;
  readonly nowMs: () => number;
  readonly write: (bytes: Buffer) => void;
  readonly onPush: (event: PushEvent) => void;
  /** Called at the first request; the owner answers by `setSnapshot`, at once or later. */
  readonly onNode: (node: ProxyNode) => void;
}

/** One stream of one client: subscriptions, what is outstanding, and what to send next. Does no I/O itself. */
export interface AdsStream {
  /** Takes a request as it came. Throws ProtocolViolation when the stream must end. */
  receive(bytes: Uint8Array): void;
  setSnapshot(snapshot: XdsSnapshot): void;
  /** Whether all that was sent is answered and nothing is held back. */
  isIdle(): boolean;
  /** Names that the client asks for, by type; none stands for all of the type. */
  watches(): ReadonlyMap<TypeUrl, readonly string[]>;
}

const placeOf = ({ region = '', zone = '', subZone = '' }: NodeLocality): NodeLocality => ({ region, zone, subZone });

function readNode(request: AnyRequest): ProxyNode {
  const node = request.node;
  if (!node || node.id === '')
    throw new ProtocolViolation('invalid', 'the first request of a stream must name its node');
  if (node.id.length > requestLimits.nameLength) throw new ProtocolViolation('too large', 'node.id is too long');
  const { id, cluster, locality, metadata = {}, userAgentName: userAgent = '' } = node;
  return {
    id,
    cluster,
    metadata,
    ...(userAgent !== '' && { userAgent }),
    ...(locality !== undefined && { locality: placeOf(locality) }),
  };
}

/** The name under which a cluster asks for its endpoints. */
const endpointName = (cluster: Cluster): string => cluster.eds_cluster_config?.service_name || cluster.name;

/** Types that send traffic to clusters. */
const TRAFFIC: readonly TypeUrl[] = [typeUrls.listener, typeUrls.route];

class Stream<Request extends AnyRequest> implements AdsStream {
  readonly #options: AdsStreamOptions<Request>;
  readonly #states = new Map<string, TypeState>();
  readonly #retained = createRetainedResources();
  /** Endpoints of clusters that are new to the client, which it asks for before it answers the response with the clusters. */
  readonly #awaited = new Set<string>();
  #node: ProxyNode | undefined;
  #snapshot: XdsSnapshot | undefined;

  constructor(options: AdsStreamOptions<Request>) {
    this.#options = options;
  }

  receive(bytes: Uint8Array): void {
    const request = this.#read(bytes);
    if (!this.#node) {
      this.#node = readNode(request);
      this.#options.onNode(this.#node);
    }
    const state = this.#stateOf(request.typeUrl);
    if (!state) return;
    const { responseNonce: nonce } = request;
    if (this.#options.variant.dropsStale && nonce !== '' && state.lastNonce !== '' && nonce !== state.lastNonce) return;
    if (state.outstanding && nonce === state.outstanding.nonce) this.#settle(state, state.outstanding, request);
    this.#options.variant.subscribe(state, request);
    state.inStepWith = undefined;
    if (state.names.size > requestLimits.names) {
      throw new ProtocolViolation(
        'too large',
        `a stream may subscribe to at most ${requestLimits.names} names of a type`,
      );
    }
    this.#flush();
  }

  setSnapshot(snapshot: XdsSnapshot): void {
    this.#retained.keep(this.#snapshot, snapshot, this.#states);
    this.#snapshot = snapshot;
    this.#flush();
  }

  isIdle(): boolean {
    // Whatever is due and not sent waits behind an outstanding response.
    for (const { outstanding } of this.#states.values()) if (outstanding !== undefined) return false;
    return true;
  }

  watches(): ReadonlyMap<TypeUrl, readonly string[]> {
    const requested = [...this.#states.values()].filter((state) => state.requested);
    return new Map(requested.map(({ typeUrl, wildcard, names }) => [typeUrl, wildcard ? [] : [...names]]));
  }

  #read(bytes: Uint8Array): Request {
    const { variant } = this.#options;
    if (bytes.length > requestLimits.bytes) throw new ProtocolViolation('too large', 'the request is too large');
    let request: Request;
    try {
      request = variant.read(bytes);
    } catch (cause) {
      throw new ProtocolViolation(
        'invalid',
        `the request cannot be read: ${cause instanceof Error ? cause.message : cause}`,
      );
    }
    if (request.typeUrl === '') throw new ProtocolViolation('invalid', 'type_url is required on an aggregated stream');
    const names = variant.names(request);
    if (names.length > requestLimits.names || names.some((name) => name.length > requestLimits.nameLength)) {
      const bounds = `${requestLimits.names} names of ${requestLimits.nameLength} characters`;
      throw new ProtocolViolation('too large', `a request may carry at most ${bounds}`);
    }
    return request;
  }

  /** Undefined for types that are not served here: such a request is never answered, as if nothing of the type existed. */
  #stateOf(typeUrl: string): TypeState | undefined {
    const known = this.#states.get(typeUrl);
    if (known) return known;
    const served = pushOrder.find((candidate) => candidate === typeUrl);
    if (!served) return undefined;
    const state = newTypeState(served);
    this.#states.set(served, state);
    return state;
  }

  #settle(state: TypeState, sent: SentResponse, request: Request): void {
    state.outstanding = undefined;
    if (state.typeUrl === typeUrls.cluster) this.#awaited.clear();
    const error = request.errorDetail;
    for (const name of sent.resources) {
      if (error) state.refused.add(name);
      else state.refused.delete(name);
    }
    this.#report(state.typeUrl, sent, error ? 'nacked' : 'acked', error && { error: error.message });
  }

  /** Sends what is due, type by type; a type that must wait for an answer holds back those that depend on it. */
  #flush(): void {
    if (!this.#snapshot) return;
    for (const typeUrl of pushOrder) {
      if (TRAFFIC.includes(typeUrl) && this.#clustersWarm(this.#snapshot)) return;
      if (this.#advance(typeUrl, this.#snapshot) === 'done') continue;
      // Envoy answers clusters once they are warm, for which it needs the endpoints that it asks for meanwhile.
      if (typeUrl === typeUrls.cluster) this.#advance(typeUrls.endpoint, this.#snapshot);
      return;
    }
    if (!this.#holdsRemovals() || !this.#trafficIsSettled()) return;
    this.#retained.release();
    for (const typeUrl of retainedTypes) {
      const state = this.#states.get(typeUrl);
      if (state === undefined) continue;
      state.lingering.clear();
      state.inStepWith = undefined;
      this.#advance(typeUrl, this.#snapshot);
    }
  }

  /**
   * Whether the client still lacks endpoints of clusters that it was just sent: a route that leads there would find none. Unlike istiod,
   * which sends routes at once. A client that answers without asking for the endpoints does not want them.
   */
  #clustersWarm(snapshot: XdsSnapshot): boolean {
    if (this.#awaited.size === 0) return false;
    const available = this.#retained.inForce(snapshot, typeUrls.endpoint);
    const sent = this.#states.get(typeUrls.endpoint)?.known;
    return [...this.#awaited].some((name) => available.has(name) && !sent?.has(name));
  }

  #advance(typeUrl: TypeUrl, snapshot: XdsSnapshot): 'blocked' | 'done' {
    const state = this.#states.get(typeUrl);
    if (!state?.requested) return 'done';
    const inForce = this.#retained.inForce(snapshot, typeUrl);
    if (state.inStepWith === inForce) return 'done';
    const composed = this.#options.variant.compose(state, inForce);
    if (!composed) {
      state.inStepWith = inForce;
      return 'done';
    }
    if (state.outstanding) return 'blocked';
    if (typeUrl === typeUrls.cluster) {
      this.#renewEndpoints(state, composed);
      this.#awaitEndpoints(state, composed);
    }
    this.#send(state, composed, snapshot);
    return 'done';
  }

  /** A proxy warms a changed cluster until its endpoints arrive, so they are sent again even if they are the same. */
  #renewEndpoints(clusters: TypeState, { upserts }: Composed): void {
    const endpoints = this.#states.get(typeUrls.endpoint);
    if (!endpoints) return;
    for (const { name, version, json } of upserts) {
      if (clusters.known.get(name) === version && !clusters.refused.has(name)) continue;
      const wanted = endpointName(json as Cluster);
      if (!isSubscribedTo(endpoints, wanted)) continue;
      endpoints.forced.add(wanted);
      endpoints.inStepWith = undefined;
    }
  }

  /** Endpoints go by the name of their cluster; what is named otherwise is not waited for, since to read each cluster would cost more. */
  #awaitEndpoints(clusters: TypeState, { upserts }: Composed): void {
    for (const { name } of upserts) if (!clusters.known.has(name)) this.#awaited.add(name);
  }

  #send(state: TypeState, composed: Composed, snapshot: XdsSnapshot): void {
    const { variant, nextNonce, write } = this.#options;
    const head = { typeUrl: state.typeUrl, versionInfo: snapshot.versionInfo, nonce: nextNonce() };
    const bytes = variant.write(head, composed);
    const sent: SentResponse = {
      nonce: head.nonce,
      versionInfo: snapshot.versionInfo,
      changeId: snapshot.changeId,
      bytes: bytes.length,
      resources: composed.upserts.map(({ name }) => name),
      removed: composed.removed,
    };
    noteSent(state, composed, sent);
    this.#report(state.typeUrl, sent, 'sent', { carried: composed.upserts });
    write(bytes);
  }

  #holdsRemovals(): boolean {
    return !this.#retained.empty || [...this.#states.values()].some(({ lingering }) => lingering.size > 0);
  }

  /**
   * Whether the proxy is in step: all is answered, and no listener or route was refused. To wait for clusters as well gives a
   * reconnecting proxy, which asks for them first, the time to ask for its routes.
   */
  #trafficIsSettled(): boolean {
    if (!this.isIdle()) return false;
    return TRAFFIC.every((typeUrl) => !this.#states.get(typeUrl)?.refused.size);
  }

  #report(
    typeUrl: TypeUrl,
    sent: SentResponse,
    state: PushState,
    more: Pick<PushEvent, 'carried' | 'error'> | undefined,
  ): void {
    this.#options.onPush({
      nodeId: this.#node?.id ?? '',
      typeUrl,
      variant: this.#options.variant.name,
      ...sent,
      state,
      atMs: this.#options.nowMs(),
      ...more,
    });
  }
}

export function createAdsStream<Request extends AnyRequest>(options: AdsStreamOptions<Request>): AdsStream {
  return new Stream(options);
}
