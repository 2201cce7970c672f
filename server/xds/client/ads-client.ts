import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { errorMessage, type Timer } from '#domain';
import type { AdsClient, AdsClientOptions, Rejection, XdsUpdate } from '../doors.ts';
import { pushOrder } from '../push-order.ts';
import type { TypeUrl } from '../resources.ts';
import {
  adsPaths,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  deltaDiscoveryRequest,
  deltaDiscoveryResponse,
} from '../wire/discovery.ts';
import { fullJitterMs } from './backoff.ts';
import { nackText, readResponse } from './receive.ts';
import { changeBetween, newSubscription, opening, type Subscription, wants, withNames } from './subscription.ts';

/** How this client names itself to a control plane. */
export const OWN_USER_AGENT = 'meshwork';

/** Metadata of a node whose proxy knows no filter of Istio's that counts: its agent counts in Istio's metrics, and takes such filters out. */
export const AGENT_COUNTS = 'MESHWORK_AGENT_COUNTS';

type Request = Partial<DeltaDiscoveryRequest>;

const reconnect = { baseMs: 500, maxMs: 2000 } as const;

const channelOptions = {
  // A proxy has a connection of its own, also where many proxies live in one process.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_retries': 0,
  'grpc.max_receive_message_length': 32 << 20,
} as const;

/** How a silent control plane is found out. Source: the keepalive of Istio's agent (pkg/keepalive). */
const KEEP_ALIVE = { everyMs: 30_000, answerMs: 10_000 } as const;

interface Connection {
  readonly channel: Client;
  readonly call: ClientDuplexStream<Request, DeltaDiscoveryResponse>;
  /** Types that the server has heard of on this stream. */
  readonly opened: Set<TypeUrl>;
  nodeSent: boolean;
  answered: boolean;
}

class DeltaClient implements AdsClient {
  readonly #options: AdsClientOptions;
  readonly #subscriptions = new Map<TypeUrl, Subscription>();
  #connection: Connection | undefined;
  #retry: Timer | undefined;
  #running = false;
  #failures = 0;

  constructor(options: AdsClientOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#failures = 0;
    this.#connect();
  }

  stop(): void {
    this.#running = false;
    this.#retry?.cancel();
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.call.cancel();
    connection?.channel.close();
  }

  subscribe(typeUrl: TypeUrl, names: readonly string[] | '*'): void {
    const before = this.#subscriptions.get(typeUrl);
    const after = before ? withNames(before, names) : newSubscription(typeUrl, names);
    this.#subscriptions.set(typeUrl, after);
    const connection = this.#connection;
    if (!connection) return;
    if (!before || !connection.opened.has(typeUrl)) {
      this.#open(connection, after);
      return;
    }
    const change = changeBetween(before, after);
    if (change) this.#write(connection, change);
  }

  #connect(): void {
    const { address, token } = this.#options;
    const { everyMs, answerMs } = this.#options.keepAlive ?? KEEP_ALIVE;
    const channel = new Client(address, credentials.createInsecure(), {
      ...channelOptions,
      'grpc.keepalive_time_ms': everyMs,
      'grpc.keepalive_timeout_ms': answerMs,
    });
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token()}`);
    const call = channel.makeBidiStreamRequest(
      adsPaths.delta,
      deltaDiscoveryRequest.write,
      deltaDiscoveryResponse.read,
      metadata,
    );
    const connection: Connection = { channel, call, opened: new Set(), nodeSent: false, answered: false };
    this.#connection = connection;
    channel.waitForReady(Number.POSITIVE_INFINITY, (error) => {
      if (!error && this.#connection === connection) this.#options.onStatus?.('connected');
    });
    call.on('data', (response: DeltaDiscoveryResponse) => this.#receive(connection, response));
    call.on('error', (error: ServiceError) => this.#lose(connection, error.details || error.message));
    call.on('end', () => this.#lose(connection, 'the control plane closed the stream'));
    for (const typeUrl of pushOrder) {
      const subscription = this.#subscriptions.get(typeUrl);
      if (subscription) this.#open(connection, subscription);
    }
  }

  #lose(connection: Connection, error: string): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    connection.channel.close();
    this.#failures += 1;
    const delayMs = fullJitterMs(this.#failures, reconnect, this.#options.random);
    this.#retry = this.#options.clock.after(delayMs, () => this.#connect());
    this.#options.onStatus?.('disconnected', error);
  }

  #open(connection: Connection, subscription: Subscription): void {
    // An empty first request would mean "all": nothing is asked until there is something to ask for.
    if (subscription.names.size === 0) return;
    connection.opened.add(subscription.typeUrl);
    this.#write(connection, opening(subscription));
  }

  #write(connection: Connection, request: Request): void {
    if (this.#connection !== connection) return;
    const { id, cluster, metadata } = this.#options.node;
    const node = { id, cluster, metadata, userAgentName: OWN_USER_AGENT };
    connection.call.write(connection.nodeSent ? request : { ...request, node });
    connection.nodeSent = true;
  }

  #receive(connection: Connection, response: DeltaDiscoveryResponse): void {
    if (this.#connection !== connection) return;
    if (!connection.answered) {
      connection.answered = true;
      this.#failures = 0;
    }
    const typeUrl = pushOrder.find((candidate) => candidate === response.typeUrl);
    const subscription = typeUrl && this.#subscriptions.get(typeUrl);
    // As in Envoy, what nobody asked for has no answer.
    if (subscription === undefined) return;
    const rejections = this.#accept(response, subscription);
    // Names that the update made us want are asked for before this answer, so that a server never sees us done too early.
    this.#write(connection, {
      typeUrl: response.typeUrl,
      responseNonce: response.nonce,
      ...(rejections.length > 0 && { errorDetail: { code: status.INVALID_ARGUMENT, message: nackText(rejections) } }),
    });
  }

  /** Hands a response to the proxy and books what it accepted. */
  #accept(response: DeltaDiscoveryResponse, subscription: Subscription): readonly Rejection[] {
    const { update, rejections: unreadable } = readResponse(response, subscription);
    const refused = this.#offer(update);
    const rejections = [...unreadable, ...refused];
    const rejectedNames = new Set(rejections.map(({ name }) => name));
    // The proxy may have changed the subscription while it took the update.
    const current = this.#subscriptions.get(subscription.typeUrl) ?? subscription;
    for (const { name, version } of update.upserted) {
      if (!rejectedNames.has(name) && wants(current, name)) current.held.set(name, version);
    }
    for (const name of update.removed) if (!rejectedNames.has(name)) current.held.delete(name);
    return rejections;
  }

  #offer(update: XdsUpdate): readonly Rejection[] {
    try {
      return this.#options.onUpdate(update);
    } catch (thrown) {
      const message = errorMessage(thrown);
      this.#options.onError?.(thrown instanceof Error ? thrown : new Error(message, { cause: thrown }));
      return [...update.upserted.map(({ name }) => name), ...update.removed].map((name) => ({ name, message }));
    }
  }
}

/**
 * Makes a client of the delta protocol. It keeps what it has through the loss of its server, reconnects by itself and then
 * tells which versions it holds, so that only differences travel. `start` may be called before or after `subscribe`.
 */
export function createAdsClient(options: AdsClientOptions): AdsClient {
  return new DeltaClient(options);
}
