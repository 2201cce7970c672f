import { createHash } from 'node:crypto';

/** Chains that are no longer in force are remembered for the connections that they still serve. */
const MOST_ENDED = 1024;
const MARK_DIGITS = 16;

/**
 * Since when which filter chain of a proxy is no longer in force. A connection stays with the chain that took it: after a change Envoy serves
 * one more request of each open connection by the former chain, and ends the connection with the answer.
 */
export class ChainsInForce {
  readonly #sent = new Map<string, ReadonlySet<string>>();
  readonly #inForce = new Map<string, ReadonlySet<string>>();
  /** Milliseconds since 1970, by mark. */
  readonly #endedMs = new Map<string, number>();

  /** A listener was sent with these chains, none: it was removed. Answers a mark for each chain, the same while it says the same. */
  sent(listener: string, chains: readonly unknown[]): readonly string[] {
    const marks = chains.map((chain) => markOf(listener, chain));
    this.#sent.set(listener, new Set(marks));
    return marks;
  }

  /** The proxy has answered what was sent: what it refused is not in force. */
  answered(taken: boolean, nowMs: number): void {
    const sent = [...this.#sent];
    this.#sent.clear();
    if (!taken) return;
    for (const [listener, marks] of sent) {
      for (const mark of this.#inForce.get(listener) ?? []) if (!marks.has(mark)) this.#end(mark, nowMs);
      for (const mark of marks) this.#endedMs.delete(mark);
      this.#inForce.set(listener, marks);
    }
  }

  /** Whether a request that began at this moment was served by a chain that was in force before, and no longer. */
  isFormer(mark: string, startMs: number): boolean {
    return startMs > (this.#endedMs.get(mark) ?? Number.POSITIVE_INFINITY);
  }

  #end(mark: string, nowMs: number): void {
    this.#endedMs.set(mark, nowMs);
    if (this.#endedMs.size > MOST_ENDED) this.#endedMs.delete(this.#endedMs.keys().next().value!);
  }
}

const markOf = (listener: string, chain: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([listener, chain]))
    .digest('hex')
    .slice(0, MARK_DIGITS);
