import { type KindDefinition, MeshworkError } from '#domain';
import type { WatchEvent } from './doors.ts';

interface Watcher {
  readonly kind: KindDefinition | '*';
  readonly handler: (event: WatchEvent) => void;
  /** Events up to this one are part of what the watch began with. */
  readonly after: number;
}

interface Queued {
  readonly kind: KindDefinition;
  readonly event: WatchEvent;
  readonly sequence: number;
}

/**
 * Delivers events to handlers in the order of the writes. A handler that writes does not overtake: its event is delivered when the
 * present one has reached everybody.
 */
export class Watchers {
  readonly #watchers = new Set<Watcher>();
  readonly #queue: Queued[] = [];
  #sequence = 0;
  #delivering = false;

  /** Hands `present` to the handler at once, then every event published from now on. Returns the function that ends the watch. */
  add(watch: {
    readonly kind: KindDefinition | '*';
    readonly handler: (event: WatchEvent) => void;
    readonly present: readonly WatchEvent[];
  }): () => void {
    const watcher: Watcher = { kind: watch.kind, handler: watch.handler, after: this.#sequence };
    this.#watchers.add(watcher);
    // What the handler writes meanwhile waits, so that no event overtakes the objects that the watch begins with.
    const outermost = !this.#delivering;
    this.#delivering = true;
    try {
      for (const event of watch.present) watch.handler(event);
    } finally {
      if (outermost) this.#drain();
    }
    return () => void this.#watchers.delete(watcher);
  }

  /** Throws MeshworkError after delivery when a handler threw; the others have had their event. */
  publish(kind: KindDefinition, event: WatchEvent): void {
    this.#sequence++;
    this.#queue.push({ kind, event, sequence: this.#sequence });
    if (!this.#delivering) this.#drain();
  }

  #drain(): void {
    this.#delivering = true;
    const failures: unknown[] = [];
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#deliver(next, failures);
    this.#delivering = false;
    if (failures.length > 0) {
      throw new MeshworkError('KUBE_WATCH_HANDLER', 'A watch handler failed', { cause: failures[0] });
    }
  }

  #deliver(queued: Queued, failures: unknown[]): void {
    for (const watcher of [...this.#watchers]) {
      const wanted = watcher.kind === '*' || watcher.kind === queued.kind;
      if (!wanted || queued.sequence <= watcher.after || !this.#watchers.has(watcher)) continue;
      try {
        watcher.handler(queued.event);
      } catch (error) {
        failures.push(error);
      }
    }
  }
}
