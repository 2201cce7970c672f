import type { HopRecord } from '#domain';
import type { RequestSummary } from './doors.ts';

/** A request that is complete; its summary may still learn who worked on it. */
export interface CompleteRequest {
  summary: RequestSummary;
}

/** A hop with its places in the lists that it belongs to: links cost less than a collection for each trace and each call. */
export class KeptHop {
  hop: HopRecord;
  /** The next hop of the same trace; the last one points to the first. */
  nextInTrace: KeptHop = this;
  /** The next hop that answered the same call; the last one points to the first. */
  nextAnswer: KeptHop = this;
  request: CompleteRequest | undefined;
  /** While it waits for its caller: neighbours in the line, and when it waits no longer. */
  waiting = false;
  waitsUntil = 0;
  before: KeptHop | undefined;
  after: KeptHop | undefined;

  constructor(hop: HopRecord) {
    this.hop = hop;
  }
}

/** Rings of hops by a common key, in order of arrival. */
export class HopRings {
  readonly #link: 'nextInTrace' | 'nextAnswer';
  /** The last hop of each ring. */
  readonly #last = new Map<string, KeptHop>();

  constructor(link: 'nextInTrace' | 'nextAnswer') {
    this.#link = link;
  }

  add(key: string, kept: KeptHop): void {
    const last = this.#last.get(key);
    if (last !== undefined) {
      kept[this.#link] = last[this.#link];
      last[this.#link] = kept;
    }
    this.#last.set(key, kept);
  }

  last(key: string): KeptHop | undefined {
    return this.#last.get(key);
  }

  list(key: string): KeptHop[] {
    const last = this.#last.get(key);
    if (last === undefined) return [];
    const members: KeptHop[] = [];
    let member = last;
    do {
      member = member[this.#link];
      members.push(member);
    } while (member !== last);
    return members;
  }

  /** Takes out the member that came first: the oldest hop of all goes first. Does nothing when `kept` is not that. */
  removeFirst(key: string, kept: KeptHop): void {
    const last = this.#last.get(key);
    if (last === undefined || last[this.#link] !== kept) return;
    if (last === kept) this.#last.delete(key);
    else last[this.#link] = kept[this.#link];
  }

  forget(key: string): void {
    this.#last.delete(key);
  }

  clear(): void {
    this.#last.clear();
  }
}
