import type { HopRecord } from '#domain';
import type { RequestSummary } from './doors.ts';

/** A request that is complete; its summary may still learn who worked on it. */
export interface CompleteRequest {
  summary: RequestSummary;
}

/** A hop with its neighbours: links cost less than a collection for each trace. */
export class KeptHop {
  hop: HopRecord;
  /** Hops of the same trace, in order of arrival. */
  earlier: KeptHop | undefined = undefined;
  later: KeptHop | undefined = undefined;
  request: CompleteRequest | undefined = undefined;
  /** While it waits for its caller: neighbours in the line, and when it waits no longer. */
  waiting = false;
  waitsUntil = 0;
  before: KeptHop | undefined = undefined;
  after: KeptHop | undefined = undefined;

  constructor(hop: HopRecord) {
    this.hop = hop;
  }
}

/** How far back in a trace the other side of a call is looked for: hops that a client put into one endless trace must not cost more. */
const NEAR = 256;

/** Hops by trace, in order of arrival. */
export class Traces {
  /** The last hop of each trace. */
  readonly #last = new Map<string, KeptHop>();

  add(kept: KeptHop): void {
    const { traceId } = kept.hop;
    const last = this.#last.get(traceId);
    kept.earlier = last;
    if (last !== undefined) last.later = kept;
    this.#last.set(traceId, kept);
  }

  /** Takes out the hop that came first in its trace. */
  removeFirst(kept: KeptHop): void {
    if (kept.later === undefined) this.#last.delete(kept.hop.traceId);
    else kept.later.earlier = undefined;
    kept.later = undefined;
  }

  list(traceId: string): HopRecord[] {
    const hops: HopRecord[] = [];
    for (let kept = this.#last.get(traceId); kept !== undefined; kept = kept.earlier) hops.push(kept.hop);
    return hops.reverse();
  }

  /** The call with this span that came not long before `kept`. */
  callOf(kept: KeptHop, spanId: string): KeptHop | undefined {
    let near = 0;
    for (let other = kept.earlier; other !== undefined && near < NEAR; other = other.earlier, near++) {
      if (other.hop.spanId === spanId && other.hop.direction === 'outbound') return other;
    }
    return undefined;
  }

  /** Inbound hops that answered the call `kept`, newest first. */
  answersTo(kept: KeptHop): KeptHop[] {
    const answers: KeptHop[] = [];
    let near = 0;
    for (let other = kept.earlier; other !== undefined && near < NEAR; other = other.earlier, near++) {
      const { direction, parentSpanId } = other.hop;
      if (direction === 'inbound' && parentSpanId === kept.hop.spanId) answers.push(other);
    }
    return answers;
  }

  clear(): void {
    this.#last.clear();
  }
}
