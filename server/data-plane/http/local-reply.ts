import type { RequestHead, ResponseHead } from './codec.ts';
import { encodeGrpcMessage, grpcStatusOf } from './grpc.ts';
import { Headers } from './headers.ts';
import type { ResponseFlag } from './response-flags.ts';

/** An answer that this proxy makes itself. */
export interface LocalReply {
  readonly status: number;
  readonly details: string;
  readonly body?: string | Buffer;
  readonly flag?: ResponseFlag;
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers of a host in their place. */
  readonly copied?: Headers;
  /** For gRPC requests; absent: the one that stands for `status`. */
  readonly grpcStatus?: number;
}

/** A local reply before the headers of routes and filters came to it. */
export interface BuiltReply {
  readonly head: ResponseHead;
  /** Undefined: the head is all. */
  readonly body: Buffer | undefined;
  /** Headers that say what the message is come last: nobody else may change or remove them. */
  readonly seal: (head: ResponseHead) => void;
}

/** Puts a local reply into the form that its request understands: gRPC reads its status from headers behind a 200. */
export function buildReply(request: RequestHead, reply: LocalReply, grpc: boolean): BuiltReply {
  const headers = reply.copied ?? Headers.of(reply.headers ?? {});
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  if (grpc) {
    const seal = (head: ResponseHead): void => sealGrpc(request, reply, head.headers, body);
    return { head: { status: 200, headers }, body: undefined, seal };
  }
  const length = body?.length ?? 0;
  const bodyless = length === 0 || request.method === 'HEAD';
  return { head: { status: reply.status, headers }, body: bodyless ? undefined : body, seal: sealPlain(length) };
}

const sealPlain =
  (length: number) =>
  ({ headers }: ResponseHead): void => {
    if (length === 0) {
      headers.remove('content-length');
      headers.remove('content-type');
      return;
    }
    headers.set('content-length', String(length));
    if (!headers.has('content-type')) headers.set('content-type', 'text/plain');
  };

function sealGrpc(request: RequestHead, reply: LocalReply, headers: Headers, body: Buffer | undefined): void {
  headers.remove('content-length');
  headers.set('content-type', 'application/grpc');
  headers.set('grpc-status', String(reply.grpcStatus ?? grpcStatusOf(reply.status)));
  if (body !== undefined && body.length > 0 && request.method !== 'HEAD') {
    headers.set('grpc-message', encodeGrpcMessage(body.toString()));
  }
}
