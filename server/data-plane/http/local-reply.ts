import type { RequestHead, ResponseHead } from './codec.ts';
import type { Exchange } from './exchange.ts';
import { encodeGrpcMessage, grpcStatusOf, isGrpc } from './grpc.ts';
import { Headers } from './headers.ts';
import type { ResponseFlag } from './response-flags.ts';

/** An answer that this proxy makes itself. */
export interface LocalReply {
  readonly status: number;
  readonly details: string;
  readonly body?: string | Buffer;
  readonly flag?: ResponseFlag;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the body, whatever headers say; absent: text/plain, where they say nothing. */
  readonly contentType?: string;
  /** Known once headers are written: those of a mapper have said what the body is, and count. */
  readonly typed?: { readonly byHeaders: boolean };
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
  /**
   * Headers that say what the message is come last: nobody else may change or remove them. From here on the request has its status; as in
   * Envoy, headers of routes are written before that, and those of filters find for gRPC the one that stood before 200.
   */
  readonly seal: (head: ResponseHead) => void;
}

/** Puts a local reply into the form that its request understands: gRPC reads its status from headers behind a 200. */
export function buildReply({ cameAsGrpc, head: request, info }: Exchange, reply: LocalReply): BuiltReply {
  const headers = reply.copied ?? Headers.of(reply.headers ?? {});
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  const grpc = cameAsGrpc ?? isGrpc(request.headers);
  const length = body?.length ?? 0;
  const bodyless = grpc || length === 0 || request.method === 'HEAD';
  return {
    head: { status: grpc ? 200 : reply.status, headers },
    body: bodyless ? undefined : body,
    seal(head) {
      info.status = reply.status;
      if (grpc) sealGrpc(request, reply, head.headers, body);
      else sealPlain(head.headers, length, reply.typed?.byHeaders === true ? undefined : reply.contentType);
    },
  };
}

function sealPlain(headers: Headers, length: number, type: string | undefined): void {
  if (length === 0) {
    headers.remove('content-length');
    headers.remove('content-type');
    return;
  }
  headers.set('content-length', String(length));
  if (type !== undefined || !headers.has('content-type')) headers.set('content-type', type ?? 'text/plain');
}

function sealGrpc(request: RequestHead, reply: LocalReply, headers: Headers, body: Buffer | undefined): void {
  headers.remove('content-length');
  headers.set('content-type', 'application/grpc');
  headers.set('grpc-status', String(reply.grpcStatus ?? grpcStatusOf(reply.status)));
  if (body !== undefined && body.length > 0 && request.method !== 'HEAD') {
    headers.set('grpc-message', encodeGrpcMessage(body.toString()));
  }
}
