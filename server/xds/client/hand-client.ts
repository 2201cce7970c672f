import { Client, type ClientDuplexStream, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { decodeResource } from '../codec/codec.ts';
import type { ProxyNode } from '../doors.ts';
import { pushOrder } from '../push-order.ts';
import { type TypeUrl, typeUrls } from '../resources.ts';
import {
  adsPaths,
  type DiscoveryRequest,
  type DiscoveryResponse,
  discoveryRequest,
  discoveryResponse,
} from '../wire/discovery.ts';

/** A response as it lies before the person who must answer it. */
export interface HandReceipt {
  readonly typeUrl: TypeUrl;
  readonly versionInfo: string;
  readonly nonce: string;
  readonly bytes: number;
  readonly names: readonly string[];
  /** It answered a subscription; otherwise the control plane sent it because something changed. */
  readonly asked: boolean;
  answer: 'none' | 'acked' | 'nacked';
}

type Stream = ClientDuplexStream<Partial<DiscoveryRequest>, DiscoveryResponse>;

interface Held {
  readonly versionInfo: string;
  /** Protobuf JSON by name. */
  readonly resources: ReadonlyMap<string, object>;
}

interface HandType {
  names: readonly string[];
  /** Subscribed, and no response has come since. */
  waits: boolean;
  inUse: Held | undefined;
  offered: Held | undefined;
}

const MAX_RECEIPTS = 500;

/**
 * An xDS client without a mind of its own: state of the world over one stream, and every request is sent by a person. It keeps what was
 * accepted, as a proxy does.
 */
export class HandClient {
  readonly receipts: HandReceipt[] = [];
  /** Answers that carried a nonce which was not the latest of its type, by type. */
  readonly staleAnswers = new Map<TypeUrl, number>();
  readonly #types = new Map<TypeUrl, HandType>();
  readonly #wakers = new Set<() => void>();
  #channel: Client | undefined;
  #call: Stream | undefined;
  #node: ProxyNode | undefined;
  #nodeSent = false;
  /** Why the stream ended. */
  lost: string | undefined;

  get node(): ProxyNode | undefined {
    return this.#call === undefined ? undefined : this.#node;
  }

  /** Opens the stream; the node is told by the first request. */
  connect(address: string, node: ProxyNode): void {
    this.close();
    this.#node = node;
    this.#channel = new Client(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_http_proxy': 0,
      'grpc.max_receive_message_length': 32 << 20,
    });
    const call = this.#channel.makeBidiStreamRequest(
      adsPaths.stateOfTheWorld,
      discoveryRequest.write,
      discoveryResponse.read,
    );
    call.on('data', (response: DiscoveryResponse) => this.#receive(response));
    call.on('error', (error: ServiceError) => this.#lose(call, error.details || error.message));
    call.on('end', () => this.#lose(call, 'the control plane closed the stream'));
    this.#call = call;
  }

  close(): void {
    const call = this.#call;
    this.#call = undefined;
    call?.cancel();
    this.#channel?.close();
    this.#channel = undefined;
    this.#nodeSent = false;
    this.lost = undefined;
    this.receipts.length = 0;
    this.staleAnswers.clear();
    this.#types.clear();
  }

  /** No names: all of the type (clusters, listeners). */
  subscribe(typeUrl: TypeUrl, names: readonly string[]): void {
    const type = this.#typeOf(typeUrl);
    type.names = names;
    type.waits = true;
    const last = this.latest(typeUrl);
    this.#write({
      typeUrl,
      resourceNames: names,
      ...(last && { responseNonce: last.nonce, versionInfo: type.inUse?.versionInfo ?? '' }),
    });
  }

  /** Answers a response: with an error it is a NACK, and what was in use stays. `nonce` absent: that of the latest response. */
  answer(typeUrl: TypeUrl, { nonce, error }: { readonly nonce?: string; readonly error?: string } = {}): void {
    const last = this.latest(typeUrl);
    const type = this.#typeOf(typeUrl);
    const isLatest = nonce === undefined || nonce === last?.nonce;
    if (!isLatest) this.staleAnswers.set(typeUrl, (this.staleAnswers.get(typeUrl) ?? 0) + 1);
    else if (last !== undefined) {
      last.answer = error === undefined ? 'acked' : 'nacked';
      if (error === undefined) type.inUse = type.offered;
    }
    this.#write({
      typeUrl,
      resourceNames: type.names,
      responseNonce: nonce ?? last?.nonce ?? '',
      versionInfo: (isLatest && error !== undefined ? type.inUse?.versionInfo : last?.versionInfo) ?? '',
      ...(error !== undefined && { errorDetail: { code: status.INVALID_ARGUMENT, message: error } }),
    });
  }

  latest(typeUrl: TypeUrl): HandReceipt | undefined {
    return this.receipts.findLast((each) => each.typeUrl === typeUrl);
  }

  subscribed(): readonly TypeUrl[] {
    return pushOrder.filter((each) => this.#types.has(each));
  }

  /** What was accepted last. */
  inUse(typeUrl: TypeUrl): Held | undefined {
    return this.#types.get(typeUrl)?.inUse;
  }

  /** What came last, accepted or not. */
  offered(typeUrl: TypeUrl): Held | undefined {
    return this.#types.get(typeUrl)?.offered;
  }

  /** Calls back at the next response, or when the stream is lost, until the returned function is called. */
  onNews(wake: () => void): () => void {
    this.#wakers.add(wake);
    return () => this.#wakers.delete(wake);
  }

  #typeOf(typeUrl: TypeUrl): HandType {
    const known = this.#types.get(typeUrl);
    if (known) return known;
    const fresh: HandType = { names: [], waits: false, inUse: undefined, offered: undefined };
    this.#types.set(typeUrl, fresh);
    return fresh;
  }

  #write(request: Partial<DiscoveryRequest>): void {
    if (this.#call === undefined || this.#node === undefined) return;
    const { id, cluster, metadata } = this.#node;
    this.#call.write(this.#nodeSent ? request : { ...request, node: { id, cluster, metadata } });
    this.#nodeSent = true;
  }

  #receive(response: DiscoveryResponse): void {
    const typeUrl = Object.values(typeUrls).find((each) => each === response.typeUrl);
    if (typeUrl === undefined) return;
    const type = this.#typeOf(typeUrl);
    const decoded = response.resources.map(({ value }) => decodeResource({ typeUrl, value }));
    type.offered = {
      versionInfo: response.versionInfo,
      resources: new Map(decoded.map(({ name, json }) => [name, json as object])),
    };
    this.receipts.push({
      typeUrl,
      versionInfo: response.versionInfo,
      nonce: response.nonce,
      bytes: response.resources.reduce((sum, { value }) => sum + value.length, 0),
      names: decoded.map(({ name }) => name),
      asked: type.waits,
      answer: 'none',
    });
    if (this.receipts.length > MAX_RECEIPTS) this.receipts.shift();
    type.waits = false;
    this.#wake();
  }

  #lose(call: Stream, why: string): void {
    if (this.#call !== call) return;
    this.#call = undefined;
    this.#nodeSent = false;
    this.lost = why;
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#wakers]) wake();
  }
}
