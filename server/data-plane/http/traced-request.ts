import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import type { TraceReason } from './request-id.ts';
import type { SpanContext } from './trace-context.ts';
import type { CallSpans } from './tracing/call-spans.ts';
import { untoldSpan } from './untold-span.ts';

const NO_SPAN: SpanContext = { traceId: '', spanId: '', parentSpanId: undefined, sampled: false };

/** A request's id, and its place in its trace. */
export abstract class TracedRequest {
  abstract readonly runtime: ProxyRuntime;
  abstract readonly connection: ConnectionContext;
  requestId = '';
  /** Why it is traced; undefined: it is not. */
  traceReason: TraceReason | undefined;
  /** The span of the request where calls to hosts have spans of their own. */
  entrySpanId = '';
  /** Those calls. */
  callSpans: CallSpans | undefined;
  /** No header tells of its trace: it begins here, or it came with the id of the request. Undefined: headers do. */
  untold: 'begins' | 'goes on' | undefined;
  #span: SpanContext | undefined;

  /** Of this hop. */
  get span(): SpanContext {
    this.#span ??= this.untold === undefined ? NO_SPAN : untoldSpan(this);
    return this.#span;
  }

  set span(span: SpanContext) {
    this.#span = span;
  }

  /** Headers will tell of the trace that the request's id told of; `sampled` is undefined where nobody has decided. */
  tellSpan(sampled: boolean | undefined): void {
    this.#span = { ...untoldSpan(this), sampled: sampled === true, undecided: sampled === undefined };
    this.untold = undefined;
  }

  /** It goes on in the place of another request. */
  continueTrace({ callSpans, entrySpanId, requestId, span, traceReason }: TracedRequest): void {
    this.span = span;
    this.entrySpanId = entrySpanId;
    this.callSpans = callSpans;
    this.requestId = requestId;
    this.traceReason = traceReason;
  }

  /** All proxies on its way find the same. */
  get traceKey(): string {
    return this.untold === undefined ? this.span.traceId : this.requestId;
  }
}
