import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Random } from '#domain';

export interface FetchInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** The application's own limit; on expiry the connection is closed and fetch rejects with a TimeoutError. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface FetchResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * What a container finds around it. The application resolves names, dials and listens as in any pod and knows nothing of a mesh:
 * whether its connections are captured is the pod's affair.
 */
export interface ContainerContext {
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly pod: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly clock: Clock;
  readonly random: Random;
  /** Binds 0.0.0.0:`port` of the pod. */
  listen(port: number, handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<void>;
  /** A plain HTTP/1.1 request; no connection is kept. Host names resolve as in the cluster. */
  fetch(url: string, init?: FetchInit): Promise<FetchResponse>;
  /** A line on standard output, as `kubectl logs` shows it. */
  log(line: string): void;
  /** Aborted when the container must stop. */
  readonly signal: AbortSignal;
}

/** An image that a pod can run: our own program under the published image's name. */
export interface WorkloadImage {
  /** Last part of the image name without tag: `examples-bookinfo-reviews-v2`. */
  readonly name: string;
  /** Starts the program; resolves when it listens. */
  start(context: ContainerContext): Promise<void>;
  /** Answers `kubectl exec` of a harmless program of the image (none by default); undefined: not found. */
  exec?(command: readonly string[]): { readonly stdout: string; readonly exitCode: number } | undefined;
}
