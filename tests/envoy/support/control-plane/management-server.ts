import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { encodeResource, type TypeUrl } from '#xds';
import {
  adsPaths,
  type DeltaDiscoveryRequest,
  deltaDiscoveryRequest,
  deltaDiscoveryResponse,
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

/** A control plane that says what a test makes it say, right or wrong, by delta ADS. */
export class ManagementServer {
  readonly requests: DeltaDiscoveryRequest[] = [];
  /** Answers the first request of each type on each stream. */
  onFirst: (request: DeltaDiscoveryRequest) => void = () => undefined;
  /** Streams that were opened so far. */
  opened = 0;
  readonly #ip: string;
  #server = new Server();
  #stream: Stream | undefined;
  #port = 0;
  #pushes = 0;

  constructor(ip: string) {
    this.#ip = ip;
  }

  get port(): number {
    return this.#port;
  }

  /** Opens its port, the same one each time. */
  async listen(): Promise<void> {
    this.#server = new Server();
    this.#server.addService({ delta: rawStream(adsPaths.delta) }, { delta: (stream: Stream) => this.#serve(stream) });
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
    this.sendBytes(
      deltaDiscoveryResponse.write({
        typeUrl,
        systemVersionInfo: version,
        nonce,
        resources: sent.map(({ json = {}, typeUrl: inner = typeUrl, bytes, name }) => ({
          name: name ?? nameOf(json),
          version,
          resource: { typeUrl: inner, value: bytes ?? encodeResource(inner, json as Record<string, unknown>).bytes },
        })),
        removedResources: removed,
      }),
    );
    const answer = await waitFor(`an answer to ${nonce}`, ANSWER_MS, () =>
      this.requests.find(({ responseNonce }) => responseNonce === nonce),
    );
    return answer.errorDetail?.message ?? '';
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
      const request = deltaDiscoveryRequest.read(bytes);
      this.requests.push(request);
      if (known.has(request.typeUrl) && request.resourceNamesSubscribe.length === 0) return;
      known.add(request.typeUrl);
      if (request.responseNonce === '') this.onFirst(request);
    });
    stream.on('error', () => undefined);
    stream.on('end', () => stream.end());
  }
}

const nameOf = (json: object): string => {
  const { name, cluster_name } = json as { readonly name?: string; readonly cluster_name?: string };
  return name ?? cluster_name ?? '';
};
