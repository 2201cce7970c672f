import type { StepTape } from './decision-tape.ts';
import type { Origin } from './diagnostic.ts';
import type { HandshakeRecord } from './handshake.ts';

/** The steps of a decision, in the order in which a proxy takes them; the words are those of Istio's simulation. */
export type DecisionStage =
  | 'capture'
  | 'listener'
  | 'filter_chain'
  | 'tls_server'
  | 'http_filter'
  | 'virtual_host'
  | 'route'
  | 'weight'
  | 'cluster'
  | 'endpoint'
  | 'pool'
  | 'tls_peer'
  | 'attempt'
  | 'response';

/** A candidate that was looked at and not taken, with the field that ruled it out. */
export interface RejectedCandidate {
  readonly name: string;
  /** In words a learner reads: `needs header end-user: jason, the request has none`. */
  readonly reason: string;
  /** How many of its conditions hold, and how many it has; absent where there is nothing to count. */
  readonly held?: number;
  readonly conditions?: number;
  readonly origin?: Origin;
}

/** One decision, recorded by the code that took it. */
export interface DecisionStep {
  readonly stage: DecisionStage;
  /** chosen: one of several · passed: looked at, nothing changed · applied: it acted · stopped: the path ends here. */
  readonly outcome: 'chosen' | 'passed' | 'applied' | 'stopped';
  /** The xDS name of what was chosen: `0.0.0.0_9080`, `reviews.default.svc.cluster.local:9080`, `outbound|9080|v1|…`. */
  readonly name: string;
  /** One sentence for the learner. */
  readonly detail?: string;
  readonly origin?: Origin;
  readonly rejected?: readonly RejectedCandidate[];
  /** Figures behind the choice: `draw`, `total`, `from`, `to`, `activeRequests`, `tlsVersion`, `peer` … */
  readonly evidence?: Readonly<Record<string, string | number | boolean>>;
  /** Milliseconds after the hop began. */
  readonly atMs: number;
  /** Which try this belongs to, from 1; absent before the first. */
  readonly attempt?: number;
}

/**
 * Evidence of a step `filter_chain`: the listener has changed since the connection was opened, and this request was served as before the
 * change. The connection ends with its answer.
 */
export const FORMER_LISTENER = 'formerListener';

/** The handshakes of a hop, the same objects for all requests of a connection. */
export interface HopHandshakes {
  /** With who asked this proxy. */
  readonly downstream?: HandshakeRecord;
  /** With whom this proxy asked. */
  readonly upstream?: HandshakeRecord;
}

/** What tracing tells of a sampled hop besides the rest. */
export interface HopTracing {
  /** Custom tags that have a value. */
  readonly tags: Readonly<Record<string, string>>;
  /** Characters of the path that a span's URL has. */
  readonly maxPathLength: number;
  readonly scheme: string;
  readonly userAgent: string;
  /** Address of whoever made the connection, without its port. */
  readonly peerIp: string;
  /** Set where the call to the host has a span of its own: that of the request around it. */
  readonly entrySpanId?: string;
  /** Wall time of the beginning, with a fraction, on one base for all proxies; absent: `startMs` of the hop. */
  readonly startMs?: number;
  /** W3C tracestate of the caller; absent: none. */
  readonly traceState?: string;
  /** What its URL is made of; absent: of what the client asked for. */
  readonly asked?: { readonly authority: string; readonly path: string };
  /** The span is a server's, whatever the hop's direction. */
  readonly serves?: boolean;
  /** A server's span may have the id of its client's. */
  readonly sharesSpans?: boolean;
  /** What a verbose span tells besides. */
  readonly notes?: readonly SpanNote[];
  /** Those calls, one for each try. */
  readonly tries?: readonly HopTry[];
  /** The hop is a copy of a request, which has this span and no other. */
  readonly copy?: HopTry;
}

/** Something that happened while a span went on. */
export interface SpanNote {
  /** Wall time, with a fraction. */
  readonly atMs: number;
  readonly value: string;
}

/** One try of a request at one host, where tries have spans of their own. */
export interface HopTry {
  readonly spanId: string;
  readonly host: string;
  readonly startMs: number;
  readonly durationMs: number;
  /** `-`: there was no connection. */
  readonly protocol: string;
  /** 0: no answer. */
  readonly status: number;
  /** Response flag; empty: none. */
  readonly flags: string;
  /** Why the try ended, in Envoy's words for resets; empty: it was not reset. */
  readonly reason: string;
  /** This proxy gave it up. */
  readonly canceled: boolean;
  readonly grpcStatus: string | undefined;
  readonly grpcMessage: string | undefined;
  /** The configuration's own. */
  readonly tags: Readonly<Record<string, string>>;
  /** Its name, where the configuration gives one. */
  readonly operation: string | undefined;
  readonly notes: readonly SpanNote[];
}

/** What one proxy did with one request. A request that crosses two sidecars leaves two of these with one trace id. */
export interface HopRecord {
  /** Span id, 16 hex digits; unique within a sandbox. */
  readonly spanId: string;
  /** Trace id, 32 hex digits. */
  readonly traceId: string;
  readonly parentSpanId?: string;
  /** False where tracing draws decided against the trace, or the proxy does not trace; such hops stay in the lab. */
  readonly sampled?: boolean;
  /** Present where the proxy traces and the hop is sampled. */
  readonly tracing?: HopTracing;
  /** The route's operation, as Istio's decorator names it: `reviews.default.svc.cluster.local:9080/*`. */
  readonly operation?: string;
  /** Present where a busy proxy records only some of its requests: how many this one stands for. */
  readonly standsFor?: number;
  /** Whether headers and steps were left out; absent: as the lists themselves tell. */
  readonly thin?: boolean;
  /** x-request-id. */
  readonly requestId: string;
  readonly proxy: {
    readonly pod: string;
    readonly namespace: string;
    /** Canonical service and revision: labels app and version. */
    readonly service: string;
    readonly version: string;
    readonly role: 'sidecar' | 'gateway';
    /** The id by which istiod knows the proxy. */
    readonly node?: string;
  };
  readonly direction: 'inbound' | 'outbound';
  readonly startMs: number;
  readonly durationMs: number;
  readonly request: {
    readonly method: string;
    readonly authority: string;
    readonly path: string;
    readonly protocol: string;
    readonly headers: readonly (readonly [string, string])[];
    /** The same as name, value, name, value …; absent: as `headers` has them. */
    readonly flatHeaders?: readonly string[];
    readonly bytes: number;
  };
  readonly response: {
    /** 0 when nothing was answered (the client left). */
    readonly status: number;
    /** Response flags in Envoy's short form: `UO`, `DI`, `NR`; empty when none. */
    readonly flags: readonly string[];
    /** Envoy's response code details: `via_upstream`, `fault_filter_abort` … */
    readonly details: string;
    readonly bytes: number;
    readonly headers: readonly (readonly [string, string])[];
    readonly flatHeaders?: readonly string[];
  };
  readonly routeName: string;
  /** Cluster that was chosen, empty when none. */
  readonly cluster: string;
  /** Address that answered or was tried last, empty when none. */
  readonly upstreamHost: string;
  /** Tries made; 0 when the request never left the proxy. */
  readonly attempts: number;
  readonly mtls: boolean;
  /** SPIFFE id of the other side where mTLS proved one: the client's (inbound), the server's (outbound). */
  readonly peer?: string;
  /** Of the connections that the request used; absent on plaintext. */
  readonly handshakes?: HopHandshakes;
  /** `versionInfo` of the route configuration in force, which names the push it came from. */
  readonly pushVersion: string;
  /** Asking for a list of steps or headers may cost its making. */
  readonly steps: readonly DecisionStep[];
  /** The steps before they are put in words, where they can be kept so; absent: as `steps` has them. */
  readonly tape?: StepTape | undefined;
  /** The line in Istio's access log format, without the newline. */
  readonly accessLog: string;
}
