import type { Method, Params, Results, ServerEvent, ServerMessage } from '#contract';
import { backoffMs } from './backoff.ts';
import { LabError } from './errors.ts';
import { type Socket, type Timers, type Transport, WrongPlace } from './transport.ts';

/**
 * away: no lab server answered · retrying: there was one and it is being called again · replaced: another tab took over ·
 * misplaced: the lab server does not answer to the host name that this page was opened under.
 */
export type ConnectionState = 'connecting' | 'open' | 'retrying' | 'away' | 'replaced' | 'misplaced' | 'closed';

export interface ConnectionOptions {
  transport: Transport;
  timers: Timers;
  /** In [0, 1). */
  chance: () => number;
  /** The stream is up, or events were missed: ask for the whole state again. */
  onFresh: () => void;
  onEvent: (event: ServerEvent) => void;
  /** `home`: where a misplaced page should be opened. */
  onState: (state: ConnectionState, home?: string) => void;
}

interface Pending {
  method: Method;
  resolve: (result: unknown) => void;
  reject: (error: LabError) => void;
  cancel: () => void;
}

const DISCONNECTED = {
  code: 'disconnected',
  message: 'The lab is not connected.',
  hint: 'It is called again by itself.',
};

/** A mesh that runs says something every second. After so long without a word the server is asked whether it is there. */
const SILENCE_MS = 10_000;
/** A server that is there answers at once, even while a mesh is busy. */
const ANSWER_MS = 5000;

/** One WebSocket to the lab server: requests by id with time-outs, events by sequence number, reconnect with backoff. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #pending = new Map<number, Pending>();
  #socket: Socket | undefined;
  #state: ConnectionState = 'closed';
  #nextId = 1;
  #lastSeq: number | undefined;
  #tries = 0;
  #wasOpen = false;
  #cancelRetry: (() => void) | undefined;
  #cancelWatch: (() => void) | undefined;
  /** Something came since the watch began. */
  #heardSince = false;
  /** Rises with each try, so that a late answer of an old socket is not heard. */
  #generation = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#state !== 'closed') return;
    this.#setState('connecting');
    void this.#dial();
  }

  stop(): void {
    this.#generation += 1;
    this.#cancelRetry?.();
    this.#cancelWatch?.();
    this.#socket?.close();
    this.#socket = undefined;
    this.#failAll();
    this.#setState('closed');
  }

  /** Calls the server now instead of after the wait. */
  retryNow(): void {
    if (this.#state === 'open' || this.#state === 'connecting') return;
    this.#cancelRetry?.();
    this.#tries = 0;
    this.#setState('connecting');
    void this.#dial();
  }

  /** Rejects with a LabError: the server's, `timeout`, or `disconnected`. */
  request<M extends Method>(method: M, params: Params<M>, timeoutMs = 20_000): Promise<Results[M]> {
    const socket = this.#socket;
    if (!socket || this.#state !== 'open') return Promise.reject(new LabError(DISCONNECTED));
    const id = this.#nextId++;
    return new Promise<Results[M]>((resolve, reject) => {
      const cancel = this.#options.timers.after(timeoutMs, () => {
        this.#pending.delete(id);
        const message = `The lab gave no answer to ${method} within ${timeoutMs / 1000} s.`;
        reject(new LabError({ code: 'timeout', message, hint: 'Try it again.' }));
      });
      this.#pending.set(id, { method, resolve: (result) => resolve(result as Results[M]), reject, cancel });
      socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async #dial(): Promise<void> {
    const generation = ++this.#generation;
    try {
      const token = await this.#options.transport.session();
      if (generation !== this.#generation) return;
      this.#socket = this.#options.transport.connect(token, {
        open: () => this.#opened(generation),
        message: (text) => this.#heard(generation, text),
        closed: () => this.#lost(generation),
      });
    } catch (error) {
      if (error instanceof WrongPlace && generation === this.#generation) this.#setState('misplaced', error.home);
      // The page is whole without a lab server: not reached is a state, shown as a banner, and not an error.
      else this.#lost(generation);
    }
  }

  #opened(generation: number): void {
    if (generation !== this.#generation) return;
    this.#tries = 0;
    this.#wasOpen = true;
    this.#lastSeq = undefined;
    this.#setState('open');
    this.#watch(generation);
    this.#options.onFresh();
  }

  /** A machine that slept, or a cable that was pulled, closes no socket: silence is looked into. */
  #watch(generation: number): void {
    this.#heardSince = false;
    this.#cancelWatch = this.#options.timers.after(SILENCE_MS, () => {
      if (this.#heardSince) this.#watch(generation);
      else void this.#ask(generation);
    });
  }

  async #ask(generation: number): Promise<void> {
    try {
      await this.request('stream.ping', {}, ANSWER_MS);
      if (generation === this.#generation) this.#watch(generation);
    } catch {
      // No answer is the answer: the socket is given up and the server called again.
      const socket = this.#socket;
      this.#lost(generation);
      socket?.close();
    }
  }

  #heard(generation: number, text: string): void {
    if (generation !== this.#generation) return;
    this.#heardSince = true;
    const message = JSON.parse(text) as ServerMessage;
    if ('seq' in message) this.#heardEvent(message.seq, message.event);
    else this.#settle(message);
  }

  #heardEvent(seq: number, event: ServerEvent): void {
    if (this.#lastSeq !== undefined && seq <= this.#lastSeq) return;
    const missed = this.#lastSeq !== undefined && seq > this.#lastSeq + 1;
    this.#lastSeq = seq;
    // A page that is opening its lab is the one that takes over, not the one that is replaced.
    const takesOver = [...this.#pending.values()].some((pending) => pending.method === 'lab.open');
    if (event.type === 'replaced' && takesOver) return;
    if (event.type === 'replaced') {
      this.stop();
      this.#setState('replaced');
    }
    this.#options.onEvent(event);
    if (missed) this.#options.onFresh();
  }

  #settle(message: Exclude<ServerMessage, { seq: number }>): void {
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    this.#pending.delete(message.id);
    pending.cancel();
    if ('error' in message) pending.reject(new LabError(message.error));
    else pending.resolve(message.result);
  }

  #lost(generation: number): void {
    if (generation !== this.#generation) return;
    this.#generation += 1;
    this.#cancelWatch?.();
    this.#socket = undefined;
    this.#failAll();
    this.#tries += 1;
    this.#setState(this.#wasOpen && this.#tries < 4 ? 'retrying' : 'away');
    const wait = backoffMs(this.#tries, this.#options.chance());
    this.#cancelRetry = this.#options.timers.after(wait, () => void this.#dial());
  }

  #failAll(): void {
    for (const pending of this.#pending.values()) {
      pending.cancel();
      pending.reject(new LabError(DISCONNECTED));
    }
    this.#pending.clear();
  }

  #setState(state: ConnectionState, home?: string): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state, home);
  }
}
