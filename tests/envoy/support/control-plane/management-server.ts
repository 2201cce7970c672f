import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { type AdsVariant, encodeResource, type TypeUrl, typeUrls } from '#xds';
import {
  adsPaths,
  deltaDiscoveryRequest,
  deltaDiscoveryResponse,
  discoveryRequest,
  discoveryResponse,
  type ErrorDetail,
} from '../../../../server/xds/wire/discovery.ts';
import { rawStream } from '../../../../server/xds/wire/raw-stream.ts';
import { waitFor } from '../wait.ts';

const ANSWER_MS = 10_000;

/** A resource of a response: a message in protobuf JSON, or bytes that may be anything. */
export interface Sent {
  /** Default: the name in the message. */
  readonly name?: string;
  readonly json?: object;
  readonly bytes?: Uint8Array;
  /** Of the message inside; default: that of the response. */
  readonly typeUrl?: TypeUrl;
}

type Stream = ServerDuplexStream<Buffer, Buffer>;

/** A request of either form. */
export interface PlaneRequest {
  readonly typeUrl: string;
  /** Asked for with this request; by the state of the world, all that are. */
  readonly names: readonly string[];
  readonly responseNonce: string;
  readonly errorDetail?: ErrorDetail | undefined;
  /** What is held: versions by name, or the version of the whole. */
  readonly held: Readonly<Record<string, string>> | string;
}

/** Of these a response of the state of the world has all. */
const WHOLE: readonly TypeUrl[] = [typeUrls.cluster, typeUrls.listener];

function readRequest(variant: AdsVariant, bytes: Buffer): PlaneRequest {
  if (variant === 'delta') {
    const request = deltaDiscoveryRequest.read(bytes);
    return { ...request, names: request.resourceNamesSubscribe, held: request.initialResourceVersions };
  }
  const { typeUrl, resourceNames: names, versionInfo: held, responseNonce, errorDetail } = discoveryRequest.read(bytes);
  return { typeUrl, names, held, responseNonce, errorDetail };
}

/** A control plane that says what a test makes it say, right or wrong. */
export class ManagementServer {
  readonly requests: PlaneRequest[] = [];
  /** Answers the first request of each type on each stream. */
  onFirst: (request: PlaneRequest) => void = () => undefined;
  /** Streams that were opened so far. */
  opened = 0;
  readonly #ip: string;
  readonly #variant: AdsVariant;
  /** What was taken, by type and name: a response of the state of the world says it again. */
  readonly #world = new Map<TypeUrl, Map<string, Sent>>();
  #server = new Server();
  #stream: Stream | undefined;
  #port = 0;
  #pushes = 0;

  constructor(ip: string, variant: AdsVariant = 'delta') {
    this.#ip = ip;
    this.#variant = variant;
  }

  get port(): number {
    return this.#port;
  }

  /** Opens its port, the same one each time. */
  async listen(): Promise<void> {
    this.#server = new Server();
    const path = this.#variant === 'delta' ? adsPaths.delta : adsPaths.stateOfTheWorld;
    this.#server.addService({ ads: rawStream(path) }, { ads: (stream: Stream) => this.#serve(stream) });
    this.#port = await new Promise<number>((resolve, reject) =>
      this.#server.bindAsync(`${this.#ip}:${this.#port}`, ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
  }

  /** Vanishes: streams break off, and its port is closed. */
  vanish(): void {
    this.#server.forceShutdown();
    this.#stream = undefined;
  }

  /** Sends a response and tells what the proxy says to it: an empty text for an ACK, else why it refuses. */
  async push(typeUrl: TypeUrl, sent: readonly Sent[], removed: readonly string[] = []): Promise<string> {
    const nonce = `n${++this.#pushes}`;
    const version = `v${this.#pushes}`;
    const head = { typeUrl, nonce };
    if (this.#variant === 'delta') {
      const resources = sent.map((each) => ({ name: nameOf(each), version, resource: bodyOf(each, typeUrl) }));
      this.sendBytes(
        deltaDiscoveryResponse.write({ ...head, systemVersionInfo: version, resources, removedResources: removed }),
      );
    } else {
      const all = [...this.#others(typeUrl, [...sent.map(nameOf), ...removed]), ...sent];
      const resources = all.map((each) => bodyOf(each, typeUrl));
      this.sendBytes(discoveryResponse.write({ ...head, versionInfo: version, resources }));
    }
    const answer = await waitFor(`an answer to ${nonce}`, ANSWER_MS, () =>
      this.requests.find(({ responseNonce }) => responseNonce === nonce),
    );
    if (answer.errorDetail === undefined) this.#keep(typeUrl, sent, removed);
    return answer.errorDetail?.message ?? '';
  }

  #others(typeUrl: TypeUrl, names: readonly string[]): readonly Sent[] {
    if (!WHOLE.includes(typeUrl)) return [];
    return [...(this.#world.get(typeUrl) ?? [])].filter(([name]) => !names.includes(name)).map(([, each]) => each);
  }

  #keep(typeUrl: TypeUrl, sent: readonly Sent[], removed: readonly string[]): void {
    const held = this.#world.get(typeUrl) ?? new Map<string, Sent>();
    this.#world.set(typeUrl, held);
    for (const each of sent) held.set(nameOf(each), each);
    for (const name of removed) held.delete(name);
  }

  /** Writes to the newest stream. */
  sendBytes(bytes: Buffer): void {
    this.#stream?.write(bytes);
  }

  /** Resolves when there have been more streams than `before`. */
  async reopened(before: number): Promise<void> {
    await waitFor('a new stream', ANSWER_MS, () => (this.opened > before ? true : undefined));
  }

  #serve(stream: Stream): void {
    this.opened++;
    this.#stream = stream;
    const known = new Set<string>();
    stream.on('data', (bytes: Buffer) => {
      const request = readRequest(this.#variant, bytes);
      this.requests.push(request);
      if (known.has(request.typeUrl) && request.names.length === 0) return;
      known.add(request.typeUrl);
      if (request.responseNonce === '') this.onFirst(request);
    });
    stream.on('error', () => undefined);
    stream.on('end', () => stream.end());
  }
}

const nameOf = ({ json = {}, name: given }: Sent): string => {
  const { name, cluster_name } = json as { readonly name?: string; readonly cluster_name?: string };
  return given ?? name ?? cluster_name ?? '';
};

const bodyOf = ({ json = {}, typeUrl, bytes }: Sent, ofResponse: TypeUrl) => ({
  typeUrl: typeUrl ?? ofResponse,
  value: bytes ?? encodeResource(typeUrl ?? ofResponse, json as Record<string, unknown>).bytes,
});
