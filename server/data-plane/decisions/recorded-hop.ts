import type { HopRecord } from '#domain';
import type { Headers } from '../http/headers.ts';
import type { RecordedSteps } from './hop-steps.ts';

type Facts = Omit<HopRecord, 'steps' | 'thin'>;
type RequestFacts = Omit<HopRecord['request'], 'headers'>;
type ResponseFacts = Omit<HopRecord['response'], 'headers'>;

const NO_HEADERS: readonly (readonly [string, string])[] = [];
const NO_STEPS: HopRecord['steps'] = [];

// A busy proxy leaves thousands of records a second, and hardly any is ever looked at. So lists are kept as they came, and what a reader
// sees of them is made when it is asked for. Copies by spreading hold the facts only, and cost more than the record.

/** The request of a hop. */
export class RecordedRequest implements RequestFacts {
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly protocol: string;
  readonly bytes: number;
  readonly #headers: Headers | undefined;

  constructor({ method, authority, path, protocol, bytes }: RequestFacts, headers: Headers | undefined) {
    this.method = method;
    this.authority = authority;
    this.path = path;
    this.protocol = protocol;
    this.bytes = bytes;
    this.#headers = headers;
  }

  get headers(): HopRecord['request']['headers'] {
    return this.#headers?.entries() ?? NO_HEADERS;
  }
}

/** The answer of a hop. */
export class RecordedResponse implements ResponseFacts {
  readonly status: number;
  readonly flags: readonly string[];
  readonly details: string;
  readonly bytes: number;
  readonly #headers: Headers | undefined;

  constructor({ status, flags, details, bytes }: ResponseFacts, headers: Headers | undefined) {
    this.status = status;
    this.flags = flags;
    this.details = details;
    this.bytes = bytes;
    this.#headers = headers;
  }

  get headers(): HopRecord['response']['headers'] {
    return this.#headers?.entries() ?? NO_HEADERS;
  }
}

/** Facts that a hop may lack. */
const OPTIONAL = ['parentSpanId', 'peer', 'standsFor', 'sampled', 'tracing', 'operation', 'handshakes'] as const;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function copyFact<Key extends keyof HopRecord>(fact: Key, from: HopRecord, to: Mutable<HopRecord>): void {
  if (from[fact] !== undefined) to[fact] = from[fact];
}

/** A finished hop of a request. Facts that it may lack are added where it has them. */
export class RecordedHop implements HopRecord {
  readonly thin: boolean;
  readonly spanId: string;
  readonly traceId: string;
  readonly requestId: string;
  readonly proxy: HopRecord['proxy'];
  readonly direction: HopRecord['direction'];
  readonly startMs: number;
  readonly durationMs: number;
  readonly request: HopRecord['request'];
  readonly response: HopRecord['response'];
  readonly routeName: string;
  readonly cluster: string;
  readonly upstreamHost: string;
  readonly attempts: number;
  readonly mtls: boolean;
  readonly pushVersion: string;
  readonly accessLog: string;
  readonly #steps: RecordedSteps | undefined;

  constructor(facts: Facts, steps: RecordedSteps | undefined) {
    this.thin = steps === undefined;
    this.spanId = facts.spanId;
    this.traceId = facts.traceId;
    this.requestId = facts.requestId;
    this.proxy = facts.proxy;
    this.direction = facts.direction;
    this.startMs = facts.startMs;
    this.durationMs = facts.durationMs;
    this.request = facts.request;
    this.response = facts.response;
    this.routeName = facts.routeName;
    this.cluster = facts.cluster;
    this.upstreamHost = facts.upstreamHost;
    this.attempts = facts.attempts;
    this.mtls = facts.mtls;
    this.pushVersion = facts.pushVersion;
    this.accessLog = facts.accessLog;
    this.#steps = steps;
  }

  get steps(): HopRecord['steps'] {
    return this.#steps?.steps ?? NO_STEPS;
  }

  withoutDetails(): HopRecord {
    const thin: Mutable<HopRecord> = new RecordedHop(this, undefined);
    thin.request = new RecordedRequest(this.request, undefined);
    thin.response = new RecordedResponse(this.response, undefined);
    for (const fact of OPTIONAL) copyFact(fact, this, thin);
    return thin;
  }
}
