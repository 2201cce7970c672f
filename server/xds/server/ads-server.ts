import { type Server, type ServiceDefinition, status } from '@grpc/grpc-js';
import { errorMessage } from '#domain';
import type {
  AdsCall,
  AdsConnection,
  AdsServer,
  AdsServerOptions,
  AdsTerms,
  ProvenIdentity,
  ProxyNode,
  XdsSnapshot,
} from '../doors.ts';
import { adsPaths } from '../wire/discovery.ts';
import { rawStream } from '../wire/raw-stream.ts';
import { type AdsStream, createAdsStream, ProtocolViolation } from './stream.ts';
import { type AnyRequest, delta, stateOfTheWorld, type Variant } from './variants.ts';

interface ConnectedNode {
  node: ProxyNode;
  readonly streams: Map<AdsStream, Pick<AdsConnection, 'number' | 'connectedAtMs' | 'peer'>>;
}

/** Streams that a server keeps open at most, over all nodes. */
const MAX_STREAMS = 2000;

const service: ServiceDefinition = {
  stateOfTheWorld: rawStream(adsPaths.stateOfTheWorld),
  delta: rawStream(adsPaths.delta),
};

function endWith(call: AdsCall, code: status, details: string): void {
  call.emit('error', { code, details });
}

function statusOf(thrown: unknown): status {
  if (!(thrown instanceof ProtocolViolation)) return status.INTERNAL;
  if (thrown.reason === 'forbidden') return status.PERMISSION_DENIED;
  return thrown.reason === 'too large' ? status.RESOURCE_EXHAUSTED : status.INVALID_ARGUMENT;
}

/** The first request tells whether a stream is a proxy's. */
function byFirstRequest(call: AdsCall, divert: NonNullable<AdsTerms['divert']>, serve: (call: AdsCall) => void): void {
  const end = (): void => void call.end();
  call.on('error', () => undefined);
  call.once('end', end);
  call.once('data', (first: Buffer) => {
    call.off('end', end);
    if (divert(call, first)) return;
    serve(call);
    call.emit('data', first);
  });
}

/** Source: checkConnectionIdentity in istio pilot/pkg/xds/auth.go; what a node does not say is not compared. */
function names({ metadata }: ProxyNode, identity: ProvenIdentity | undefined): boolean {
  const { NAMESPACE = identity?.namespace, SERVICE_ACCOUNT = identity?.serviceAccount } = metadata;
  return NAMESPACE === identity?.namespace && SERVICE_ACCOUNT === identity?.serviceAccount;
}

class Ads implements AdsServer {
  readonly #options: AdsServerOptions;
  readonly #nodes = new Map<string, ConnectedNode>();
  readonly #calls = new Set<AdsCall>();
  #nonces = 0;
  #streams = 0;

  constructor(options: AdsServerOptions) {
    this.#options = options;
  }

  readonly register = (server: Server, terms: AdsTerms = {}): void => {
    const { divert } = terms;
    const serve = (call: AdsCall): void => this.#serve(call, stateOfTheWorld, terms);
    server.addService(service, {
      stateOfTheWorld: divert === undefined ? serve : (call: AdsCall) => byFirstRequest(call, divert, serve),
      delta: (call: AdsCall) => this.#serve(call, delta, terms),
    });
  };

  setSnapshot(nodeId: string, snapshot: XdsSnapshot): void {
    for (const stream of this.#nodes.get(nodeId)?.streams.keys() ?? []) stream.setSnapshot(snapshot);
  }

  connected(): readonly ProxyNode[] {
    return [...this.#nodes.values()].map(({ node }) => node);
  }

  node(nodeId: string): ProxyNode | undefined {
    return this.#nodes.get(nodeId)?.node;
  }

  connections(): readonly AdsConnection[] {
    return [...this.#nodes.values()]
      .flatMap(({ node, streams }) =>
        [...streams].map(([stream, facts]) => ({ node, ...facts, watches: stream.watches() })),
      )
      .sort((a, b) => a.number - b.number);
  }

  isIdle(nodeId: string): boolean {
    for (const stream of this.#nodes.get(nodeId)?.streams.keys() ?? []) if (!stream.isIdle()) return false;
    return true;
  }

  close(): void {
    for (const call of [...this.#calls]) endWith(call, status.UNAVAILABLE, 'the control plane is stopping');
  }

  #serve<Request extends AnyRequest>(call: AdsCall, variant: Variant<Request>, { proven }: AdsTerms): void {
    const identity = this.#identityOf(call);
    if (proven === true && identity === undefined) {
      endWith(call, status.UNAUTHENTICATED, 'authentication failure: a token for istio-ca is asked for');
      return;
    }
    if (this.#calls.size >= MAX_STREAMS) {
      endWith(call, status.RESOURCE_EXHAUSTED, `at most ${MAX_STREAMS} streams are served`);
      return;
    }
    this.#calls.add(call);
    let nodeId: string | undefined;
    const stream = createAdsStream({
      variant,
      nextNonce: () => `n${++this.#nonces}`,
      nowMs: () => this.#options.clock.now(),
      write: (bytes) => void call.write(bytes),
      onPush: (event) => this.#options.onPush?.(event),
      onNode: (node) => {
        nodeId = node.id;
        if (proven === true && !names(node, identity)) {
          throw new ProtocolViolation(
            'forbidden',
            `${node.id} is no workload of ${identity?.namespace}/${identity?.serviceAccount}`,
          );
        }
        if (!this.#mayJoin(node.id, identity)) throw new ProtocolViolation('forbidden', `${node.id} is somebody else`);
        this.#connect(identity === undefined ? node : { ...node, identity }, stream, call.getPeer());
      },
    });
    const leave = (): void => {
      if (!this.#calls.delete(call) || nodeId === undefined) return;
      this.#disconnect(nodeId, stream);
    };
    call.on('data', (bytes: Buffer) => {
      if (!this.#calls.has(call)) return;
      try {
        stream.receive(bytes);
      } catch (thrown) {
        endWith(call, statusOf(thrown), errorMessage(thrown));
      }
    });
    call.on('end', () => {
      leave();
      call.end();
    });
    for (const event of ['cancelled', 'error', 'close']) call.on(event, leave);
  }

  #identityOf(call: AdsCall): ProvenIdentity | undefined {
    const [header] = call.metadata.get('authorization');
    const token = /^Bearer (.+)$/i.exec(String(header ?? ''))?.[1];
    return token === undefined ? undefined : this.#options.verify?.(token);
  }

  /** All streams of a node receive the same, so they have to be the same client's. */
  #mayJoin(nodeId: string, identity: ProvenIdentity | undefined): boolean {
    const present = this.#nodes.get(nodeId);
    if (present === undefined) return true;
    const known = present.node.identity;
    return known?.namespace === identity?.namespace && known?.serviceAccount === identity?.serviceAccount;
  }

  #connect(node: ProxyNode, stream: AdsStream, peer: string): void {
    const entry: ConnectedNode = this.#nodes.get(node.id) ?? { node, streams: new Map() };
    entry.node = node;
    entry.streams.set(stream, { number: ++this.#streams, connectedAtMs: this.#options.clock.now(), peer });
    this.#nodes.set(node.id, entry);
    const snapshot = this.#options.onConnect(node);
    if (snapshot) this.setSnapshot(node.id, snapshot);
  }

  #disconnect(nodeId: string, stream: AdsStream): void {
    const entry = this.#nodes.get(nodeId);
    if (!entry?.streams.delete(stream) || entry.streams.size > 0) return;
    this.#nodes.delete(nodeId);
    this.#options.onDisconnect?.(nodeId);
  }
}

/**
 * Makes an ADS server. It opens no socket: `register` adds it to a gRPC server of the caller. A request that breaks the
 * protocol ends its own stream, with INVALID_ARGUMENT or RESOURCE_EXHAUSTED, and no other.
 */
export function createAdsServer(options: AdsServerOptions): AdsServer {
  return new Ads(options);
}
