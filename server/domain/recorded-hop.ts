import type { DecisionStep, HopHandshakes, HopRecord, HopTracing } from './decision.ts';
import { type StepTape, wordSteps } from './decision-tape.ts';

type RequestFacts = Omit<HopRecord['request'], 'headers' | 'flatHeaders'>;
type ResponseFacts = Omit<HopRecord['response'], 'headers' | 'flatHeaders'>;
type Facts = Omit<HopRecord, 'steps' | 'tape' | 'thin'>;
type HeaderPairs = HopRecord['request']['headers'];

/** Nearly all of a hop's size. Headers are name, value, name, value … */
export interface HopDetail {
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
  readonly tape: StepTape | undefined;
  /** Where there is no tape. */
  readonly steps: readonly DecisionStep[];
}

/** A function is asked when somebody looks, and gives the same object each time. */
type DetailSource = HopDetail | (() => HopDetail) | undefined;

const NO_DETAIL: HopDetail = { requestHeaders: [], responseHeaders: [], tape: undefined, steps: [] };

function detailOf(source: DetailSource): HopDetail {
  if (source === undefined) return NO_DETAIL;
  return typeof source === 'function' ? source() : source;
}

function pairsOf(flat: readonly string[]): HeaderPairs {
  const pairs: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i]!, flat[i + 1]!]);
  return pairs;
}

// A busy proxy leaves thousands of records a second, and hardly any is ever looked at. So lists are kept as they came, and what a reader
// sees of them is made when it is asked for.

/** The request of a hop. */
export class RecordedRequest implements RequestFacts {
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly protocol: string;
  readonly bytes: number;
  readonly #detail: DetailSource;

  constructor({ method, authority, path, protocol, bytes }: RequestFacts, detail: DetailSource) {
    this.method = method;
    this.authority = authority;
    this.path = path;
    this.protocol = protocol;
    this.bytes = bytes;
    this.#detail = detail;
  }

  get headers(): HeaderPairs {
    return pairsOf(this.flatHeaders);
  }

  get flatHeaders(): readonly string[] {
    return detailOf(this.#detail).requestHeaders;
  }
}

/** The answer of a hop. */
export class RecordedResponse implements ResponseFacts {
  readonly status: number;
  readonly flags: readonly string[];
  readonly details: string;
  readonly bytes: number;
  readonly #detail: DetailSource;

  constructor({ status, flags, details, bytes }: ResponseFacts, detail: DetailSource) {
    this.status = status;
    this.flags = flags;
    this.details = details;
    this.bytes = bytes;
    this.#detail = detail;
  }

  get headers(): HeaderPairs {
    return pairsOf(this.flatHeaders);
  }

  get flatHeaders(): readonly string[] {
    return detailOf(this.#detail).responseHeaders;
  }
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
  parentSpanId?: string;
  peer?: string;
  standsFor?: number;
  sampled?: boolean;
  tracing?: HopTracing;
  operation?: string;
  handshakes?: HopHandshakes;
  readonly #detail: DetailSource;
  #steps: readonly DecisionStep[] | undefined;

  constructor(facts: Facts, detail: DetailSource) {
    this.thin = detail === undefined;
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
    this.#detail = detail;
  }

  get tape(): StepTape | undefined {
    return detailOf(this.#detail).tape;
  }

  get steps(): readonly DecisionStep[] {
    this.#steps ??= this.#word();
    return this.#steps;
  }

  #word(): readonly DecisionStep[] {
    const { steps, tape } = detailOf(this.#detail);
    return tape === undefined ? steps : wordSteps(tape);
  }
}
