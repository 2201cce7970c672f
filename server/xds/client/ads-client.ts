import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { errorMessage, type Timer } from '#domain';
import type { AdsClient, AdsClientOptions, Rejection, XdsUpdate } from '../doors.ts';
import { pushOrder } from '../push-order.ts';
import type { TypeUrl } from '../resources.ts';
import type { NodeMessage } from '../wire/discovery.ts';
import { fullJitterMs } from './backoff.ts';
import { delta } from './delta.ts';
import type { AnyResponse, ClientProtocol } from './protocol.ts';
import { nackText } from './receive.ts';
import { stateOfTheWorld } from './state-of-the-world.ts';
import { newSubscription, type Subscription, withNames } from './subscription.ts';

/** How this client names itself to a control plane. */
export const OWN_USER_AGENT = 'meshwork';

/** Metadata of a node whose proxy knows no filter of Istio's that counts: its agent counts in Istio's metrics, and takes such filters out. */
export const AGENT_COUNTS = 'MESHWORK_AGENT_COUNTS';

const reconnect = { baseMs: 500, maxMs: 2000 } as const;

const channelOptions = {
  // A proxy has a connection of its own, also where many proxies live in one process.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_retries': 0,
  'grpc.max_receive_message_length': 32 << 20,
  // When a stream is opened anew is this client's own decision; the channel only has to be ready by then.
  'grpc.initial_reconnect_backoff_ms': 250,
  'grpc.max_reconnect_backoff_ms': 500,
} as const;

/** How a silent control plane is found out. Source: the keepalive of Istio's agent (pkg/keepalive). */
const KEEP_ALIVE = { everyMs: 30_000, answerMs: 10_000 } as const;

interface Connection<Request, Response> {
  readonly call: ClientDuplexStream<Partial<Request>, Response>;
  /** Types that the server has heard of on this stream, each with the nonce of its latest response. */
  readonly nonces: Map<TypeUrl, string>;
  nodeSent: boolean;
  answered: boolean;
}

interface AnyRequest {
  readonly node?: NodeMessage;
}

class XdsClient<Request extends AnyRequest, Response extends AnyResponse> implements AdsClient {
  readonly #options: AdsClientOptions;
  readonly #protocol: ClientProtocol<Request, Response>;
  readonly #subscriptions = new Map<TypeUrl, Subscription>();
  #connection: Connection<Request, Response> | undefined;
  /** One for all attempts: a channel of gRPC that is closed while its server is away connects all the same, and nobody closes that. */
  #channel: Client | undefined;
  #awaitsChannel = false;
  /** The type of the response that is being taken. */
  #taking: TypeUrl | undefined;
  #retry: Timer | undefined;
  #running = false;
  #failures = 0;

  constructor(options: AdsClientOptions, protocol: ClientProtocol<Request, Response>) {
    this.#options = options;
    this.#protocol = protocol;
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
    this.#channel?.close();
    this.#channel = undefined;
    this.#awaitsChannel = false;
  }

  subscribe(typeUrl: TypeUrl, names: readonly string[] | '*'): void {
    const before = this.#subscriptions.get(typeUrl);
    const after = before ? withNames(before, names) : newSubscription(typeUrl, names);
    this.#subscriptions.set(typeUrl, after);
    const connection = this.#connection;
    if (!connection) return;
    const nonce = connection.nonces.get(typeUrl);
    if (!before || nonce === undefined) {
      this.#open(connection, after);
      return;
    }
    if (this.#protocol.answersTellNames && this.#taking === typeUrl) return;
    const change = this.#protocol.change(before, after, nonce);
    if (change) this.#write(connection, change);
  }

  #connect(): void {
    const { token } = this.#options;
    this.#channel ??= this.#newChannel();
    const channel = this.#channel;
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token()}`);
    const { path, request, response } = this.#protocol;
    const call = channel.makeBidiStreamRequest(path, request.write, response.read, metadata);
    const connection = { call, nonces: new Map(), nodeSent: false, answered: false };
    this.#connection = connection;
    this.#awaitReady(channel);
    call.on('data', (message: Response) => this.#receive(connection, message));
    call.on('error', (error: ServiceError) => this.#lose(connection, error.details || error.message));
    call.on('end', () => this.#lose(connection, 'the control plane closed the stream'));
    for (const typeUrl of pushOrder) {
      const subscription = this.#subscriptions.get(typeUrl);
      if (subscription) this.#open(connection, subscription);
    }
  }

  #newChannel(): Client {
    const { address, keepAlive: { everyMs, answerMs } = KEEP_ALIVE } = this.#options;
    return new Client(address, credentials.createInsecure(), {
      ...channelOptions,
      'grpc.keepalive_time_ms': everyMs,
      'grpc.keepalive_timeout_ms': answerMs,
    });
  }

  /** Says once for each stream that it has a connection; between two streams it is the next one that says it. */
  #awaitReady(channel: Client): void {
    if (this.#awaitsChannel) return;
    this.#awaitsChannel = true;
    channel.waitForReady(Number.POSITIVE_INFINITY, (error) => {
      if (this.#channel !== channel) return;
      this.#awaitsChannel = false;
      if (!error && this.#connection !== undefined) this.#options.onStatus?.('connected');
    });
  }

  #lose(connection: Connection<Request, Response>, error: string): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#failures += 1;
    const delayMs = fullJitterMs(this.#failures, reconnect, this.#options.random);
    this.#retry = this.#options.clock.after(delayMs, () => this.#connect());
    this.#options.onStatus?.('disconnected', error);
  }

  #open(connection: Connection<Request, Response>, subscription: Subscription): void {
    // An empty first request would mean "all": nothing is asked until there is something to ask for.
    if (subscription.names.size === 0) return;
    connection.nonces.set(subscription.typeUrl, '');
    this.#write(connection, this.#protocol.opening(subscription));
  }

  #write(connection: Connection<Request, Response>, request: Partial<Request>): void {
    if (this.#connection !== connection) return;
    const { id, cluster, metadata, locality } = this.#options.node;
    const node = { id, cluster, metadata, userAgentName: OWN_USER_AGENT, ...(locality !== undefined && { locality }) };
    connection.call.write(connection.nodeSent ? request : { ...request, node });
    connection.nodeSent = true;
  }

  #receive(connection: Connection<Request, Response>, response: Response): void {
    if (this.#connection !== connection) return;
    if (!connection.answered) {
      connection.answered = true;
      this.#failures = 0;
    }
    const typeUrl = pushOrder.find((candidate) => candidate === response.typeUrl);
    const subscription = typeUrl && this.#subscriptions.get(typeUrl);
    // As in Envoy, what nobody asked for has no answer.
    if (subscription === undefined) return;
    connection.nonces.set(typeUrl!, response.nonce);
    // Names that the update made us want are asked for before this answer, so that a server never sees us done too early.
    this.#write(connection, this.#accept(response, subscription));
  }

  /** Hands a response to the proxy; the answer to it. */
  #accept(response: Response, subscription: Subscription): Partial<Request> {
    const { update, rejections: unreadable } = this.#protocol.read(response, subscription);
    this.#taking = subscription.typeUrl;
    const rejections = [...unreadable, ...this.#offer(update)];
    this.#taking = undefined;
    return this.#protocol.answer(response, {
      update,
      rejections,
      // The proxy may have changed the subscription while it took the update.
      subscription: this.#subscriptions.get(subscription.typeUrl) ?? subscription,
      errorDetail: rejections.length > 0 ? { code: status.INTERNAL, message: nackText(rejections) } : undefined,
    });
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
 * Makes a client of either form of the protocol. It keeps what it has through the loss of its server, reconnects by itself and then
 * tells which versions it holds; by delta only differences travel. `start` may be called before or after `subscribe`.
 */
export function createAdsClient(options: AdsClientOptions): AdsClient {
  return options.variant === 'state of the world'
    ? new XdsClient(options, stateOfTheWorld)
    : new XdsClient(options, delta);
}
