import type { Admission, ConnectionRate } from '../config/guard-config.ts';
import type { StepNote } from '../decisions/hop-steps.ts';
import { TokenBucket } from '../http/filters/rate-limit/token-bucket.ts';
import type { ResponseFlag } from '../http/response-flags.ts';
import type { ProxyRuntime } from '../runtime.ts';

/** A connection that is closed as soon as it is open, or after a while. */
export interface AdmissionRefusal {
  /** The filter that refused it. */
  readonly filter: string;
  readonly delayMs: number;
  /** What a line of the log about it bears. */
  readonly flag: ResponseFlag | undefined;
  readonly note: StepNote;
}

interface Gate {
  /** A connection opens. */
  readonly enter: () => AdmissionRefusal | undefined;
  /** One that has entered, let in or not, is closed. */
  readonly leave: () => void;
}

/** The network filters of one chain that count its connections, and their counts. */
export class Admissions {
  readonly #gates: readonly Gate[];

  constructor(runtime: ProxyRuntime, admissions: readonly Admission[]) {
    this.#gates = admissions.map((given) =>
      given.kind === 'connection_limit' ? connectionLimit(runtime, given) : connectionRate(runtime, given),
    );
  }

  /** Asks one filter after the other; `leave` is to be called when the connection is closed. */
  admit(): { readonly refusal: AdmissionRefusal | undefined; readonly leave: () => void } {
    const entered: Gate[] = [];
    let refusal: AdmissionRefusal | undefined;
    for (const gate of this.#gates) {
      entered.push(gate);
      refusal = gate.enter();
      if (refusal !== undefined) break;
    }
    const leave = (): void => {
      for (const gate of entered) gate.leave();
    };
    return { refusal, leave };
  }
}

/** Envoy's connection_limit: those that wait to be closed count, too. */
function connectionLimit(
  { stats }: ProxyRuntime,
  { statPrefix, max, delayMs }: Extract<Admission, { kind: 'connection_limit' }>,
): Gate {
  const prefix = `connection_limit.${statPrefix}.`;
  const active = stats.level(`${prefix}active_connections`);
  let open = 0;
  return {
    enter() {
      active.value++;
      open++;
      if (open <= max) return undefined;
      stats.stat(`${prefix}limited_connections`).value++;
      const others = open - 1;
      return {
        filter: 'envoy.filters.network.connection_limit',
        delayMs,
        flag: undefined,
        note: {
          detail: `${others} connections of this filter chain are open, ${max} may be`,
          evidence: { open: others, max },
        },
      };
    },
    leave() {
      active.value--;
      open--;
    },
  };
}

/** Envoy's local_ratelimit of connections. */
function connectionRate(
  runtime: ProxyRuntime,
  { statPrefix, limit }: Extract<Admission, { kind: 'local_ratelimit' }>,
): Gate {
  const bucket = bucketOf(runtime, limit);
  return {
    enter() {
      if (bucket.take()) return undefined;
      runtime.stats.stat(`local_rate_limit.${statPrefix}.rate_limited`).value++;
      return {
        filter: 'envoy.filters.network.local_ratelimit',
        delayMs: 0,
        flag: 'URX',
        note: emptyBucket(limit),
      };
    },
    leave: () => undefined,
  };
}

/** Says what a connection met whose bucket had no token left. */
export function emptyBucket({ bucket }: ConnectionRate): StepNote {
  const { maxTokens, tokensPerFill, fillIntervalMs } = bucket;
  return {
    detail: `the bucket of ${maxTokens} tokens is empty; ${tokensPerFill} come back every ${fillIntervalMs} ms`,
    evidence: { maxTokens, tokensPerFill, fillIntervalMs },
  };
}

const shared = new WeakMap<ProxyRuntime, Map<string, TokenBucket>>();

function bucketOf(runtime: ProxyRuntime, { bucket, shareKey }: ConnectionRate): TokenBucket {
  if (shareKey === '') return new TokenBucket(bucket, runtime.clock);
  const buckets = shared.get(runtime) ?? new Map<string, TokenBucket>();
  shared.set(runtime, buckets);
  const key = JSON.stringify([shareKey, bucket]);
  const found = buckets.get(key) ?? new TokenBucket(bucket, runtime.clock);
  buckets.set(key, found);
  return found;
}
