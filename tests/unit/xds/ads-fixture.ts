import {
  Client,
  type ClientDuplexStream,
  credentials,
  Server,
  ServerCredentials,
  type ServiceError,
} from '@grpc/grpc-js';
import {
  type AdsServer,
  type AdsServerOptions,
  createAdsServer,
  decodeResource,
  type EncodedResource,
  encodeResource,
  type ProxyNode,
  type PushEvent,
  type TypeUrl,
  typeUrls,
  type XdsSnapshot,
} from '#xds';
import { systemClock } from '../../../server/system.ts';
import {
  adsPaths,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  type DiscoveryResponse,
  deltaDiscoveryRequest,
  deltaDiscoveryResponse,
  discoveryRequest,
  discoveryResponse,
  type WireFormat,
} from '../../../server/xds/wire/discovery.ts';

export const wallClock = systemClock();

export const node = (id: string): ProxyNode => ({ id, cluster: 'reviews.default', metadata: { NAMESPACE: 'default' } });

/** A mailbox whose `next` waits, with a bound, for what arrives. */
export function mailbox<Item>(): { put(item: Item): void; next(): Promise<Item>; readonly waiting: Item[] } {
  const waiting: Item[] = [];
  const readers: ((item: Item) => void)[] = [];
  return {
    waiting,
    put(item) {
      const reader = readers.shift();
      if (reader) reader(item);
      else waiting.push(item);
    },
    next() {
      const ready = waiting.shift();
      if (ready !== undefined) return Promise.resolve(ready);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('nothing arrived within 5 s')), 5000);
        readers.push((item) => {
          clearTimeout(timer);
          resolve(item);
        });
      });
    },
  };
}

export interface AdsFixture {
  readonly address: string;
  readonly ads: AdsServer;
  readonly events: PushEvent[];
  /** Resolves at the first event, past or future, that fits. */
  event(fits: (event: PushEvent) => boolean): Promise<PushEvent>;
  stop(): void;
}

export async function startAds(
  onConnect: AdsServerOptions['onConnect'],
  options: Pick<AdsServerOptions, 'onDisconnect' | 'onPush' | 'verify'> & { readonly port?: number } = {},
): Promise<AdsFixture> {
  const events: PushEvent[] = [];
  const watchers = new Set<() => void>();
  const ads = createAdsServer({
    clock: wallClock,
    onConnect,
    ...(options.onDisconnect && { onDisconnect: options.onDisconnect }),
    ...(options.verify && { verify: options.verify }),
    onPush(event) {
      events.push(event);
      options.onPush?.(event);
      for (const watcher of watchers) watcher();
    },
  });
  const server = new Server();
  ads.register(server);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${options.port ?? 0}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return {
    address: `127.0.0.1:${port}`,
    ads,
    events,
    event: (fits) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('no such push event within 10 s')), 10_000);
        const look = (): void => {
          const found = events.find(fits);
          if (!found) return;
          clearTimeout(timer);
          watchers.delete(look);
          resolve(found);
        };
        watchers.add(look);
        look();
      }),
    stop() {
      ads.close();
      server.forceShutdown();
    },
  };
}

export interface RawStream<Request, Response> {
  send(request: Partial<Request>): void;
  next(): Promise<Response>;
  /** Responses that have arrived and were not read yet. */
  readonly unread: readonly Response[];
  ended(): Promise<ServiceError>;
  close(): void;
}

function openStream<Request, Response>(
  address: string,
  path: string,
  [request, response]: [WireFormat<Request>, WireFormat<Response>],
): RawStream<Request, Response> {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  const call: ClientDuplexStream<Partial<Request>, Response> = client.makeBidiStreamRequest(
    path,
    request.write,
    response.read,
  );
  const responses = mailbox<Response>();
  const errors = mailbox<ServiceError>();
  call.on('data', (message: Response) => responses.put(message));
  call.on('error', (error: ServiceError) => errors.put(error));
  return {
    send: (message) => void call.write(message),
    next: responses.next,
    unread: responses.waiting,
    ended: errors.next,
    close() {
      call.cancel();
      client.close();
    },
  };
}

export const openWhole = (address: string): RawStream<DiscoveryRequest, DiscoveryResponse> =>
  openStream(address, adsPaths.stateOfTheWorld, [discoveryRequest, discoveryResponse]);

export const openDelta = (address: string): RawStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse> =>
  openStream(address, adsPaths.delta, [deltaDiscoveryRequest, deltaDiscoveryResponse]);

export const cluster = (name: string, connectTimeout = '1s'): EncodedResource =>
  encodeResource(typeUrls.cluster, {
    name,
    type: 'EDS',
    connect_timeout: connectTimeout,
    eds_cluster_config: { eds_config: { ads: {} } },
  });

export const endpoints = (name: string, port = 9080): EncodedResource =>
  encodeResource(typeUrls.endpoint, {
    cluster_name: name,
    endpoints: [
      { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.8.1.4', port_value: port } } } }] },
    ],
  });

export const listener = (name: string, port = 9080): EncodedResource =>
  encodeResource(typeUrls.listener, { name, address: { socket_address: { address: '0.0.0.0', port_value: port } } });

export const routes = (name: string, target = 'a'): EncodedResource =>
  encodeResource(typeUrls.route, {
    name,
    virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: target } }] }],
  });

export function snapshot(
  versionInfo: string,
  resources: readonly EncodedResource[],
  changeId = versionInfo,
): XdsSnapshot {
  const byType = new Map<TypeUrl, Map<string, EncodedResource>>();
  for (const resource of resources) {
    const ofType = byType.get(resource.typeUrl) ?? new Map<string, EncodedResource>();
    byType.set(resource.typeUrl, ofType.set(resource.name, resource));
  }
  return { versionInfo, changeId, resources: byType };
}

/** Names of the resources in a state-of-the-world response. */
export const namesIn = (response: DiscoveryResponse): string[] =>
  response.resources.map(({ typeUrl, value }) => decodeResource({ typeUrl: typeUrl as TypeUrl, value }).name);
