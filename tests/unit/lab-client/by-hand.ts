import { type SocketEvents, type Timers, type Transport, WrongPlace } from '../../../src/lab-client/transport.ts';

/** Timers that fire by hand. */
export class HandTimers implements Timers {
  readonly waiting: { delayMs: number; fire: () => void; cancelled: boolean }[] = [];
  after(delayMs: number, fire: () => void): () => void {
    const timer = { delayMs, fire, cancelled: false };
    this.waiting.push(timer);
    return () => {
      timer.cancelled = true;
    };
  }
  fireNext(): number {
    const [timer] = this.waiting.filter((one) => !one.cancelled).sort((a, b) => a.delayMs - b.delayMs);
    if (!timer) throw new Error('no timer waits');
    timer.cancelled = true;
    timer.fire();
    return timer.delayMs;
  }
}

/** A server end that answers when told. */
export class HandTransport implements Transport {
  readonly sent: { id: number; method: string }[] = [];
  events: SocketEvents | undefined;
  up = true;
  /** The page was not opened here, where its server is. */
  home: string | undefined;
  session(): Promise<string> {
    if (this.home) return Promise.reject(new WrongPlace(this.home));
    return this.up ? Promise.resolve('token') : Promise.reject(new Error('refused'));
  }
  connect(_token: string, events: SocketEvents): { send: (text: string) => void; close: () => void } {
    this.events = events;
    return { send: (text) => this.sent.push(JSON.parse(text)), close: () => events.closed() };
  }
  say(message: object): void {
    this.events?.message(JSON.stringify(message));
  }
}
