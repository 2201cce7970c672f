import type { Clock, Timer } from '#domain';
import type { Stats } from '../stats/stats.ts';

export interface UpdateWindowsOptions {
  readonly clock: Clock;
  /** How long changes of hosts that stay wait for others of their kind; 0: not at all. */
  readonly windowMs: number;
  readonly stats: Stats;
  /** Balancing is to look at the hosts of these priorities again. */
  readonly update: (priorities: ReadonlySet<number>) => void;
}

/** Of one priority. */
interface Window {
  /** Monotonic. */
  updatedAt: number;
  timer: Timer | undefined;
}

/**
 * When balancing hears that hosts have changed. What only concerns hosts that stay (health, weight, metadata) waits a whole window, and is
 * merged with what follows, if the last update of its priority was within one; members come and go at once, and take with them what waits.
 * Source: scheduleUpdate in cluster_manager_impl.cc.
 */
export class UpdateWindows {
  readonly #options: UpdateWindowsOptions;
  readonly #windows = new Map<number, Window>();
  #open = false;

  constructor(options: UpdateWindowsOptions) {
    this.#options = options;
  }

  /** The cluster serves: what came before was no update. */
  open(): void {
    this.#open = true;
  }

  /** Hosts of `changed` are others than before; in `members` some came or went. */
  changed(changed: Iterable<number>, members: ReadonlySet<number>): void {
    const due = new Set<number>();
    for (const priority of changed) if (this.#isDue(priority, members.has(priority))) due.add(priority);
    if (due.size > 0) this.#options.update(due);
  }

  close(): void {
    for (const { timer } of this.#windows.values()) timer?.cancel();
    this.#windows.clear();
    this.#open = false;
  }

  #isDue(priority: number, hasOtherMembers: boolean): boolean {
    if (!this.#open) return true;
    const { clock, windowMs } = this.#options;
    if (windowMs > 0) {
      const window = this.#windowOf(priority);
      const isOver = Math.floor(clock.monotonic() - window.updatedAt) > windowMs;
      if (!isOver && !hasOtherMembers) {
        window.timer ??= clock.after(windowMs, () => this.#merged(priority, window));
        return false;
      }
      if (!hasOtherMembers) this.#count('update_out_of_merge_window');
      if (window.timer !== undefined) {
        window.timer.cancel();
        window.timer = undefined;
        this.#count('update_merge_cancelled');
      }
      window.updatedAt = clock.monotonic();
    }
    this.#count('cluster_updated');
    return true;
  }

  #merged(priority: number, window: Window): void {
    window.timer = undefined;
    window.updatedAt = this.#options.clock.monotonic();
    this.#count('cluster_updated_via_merge');
    this.#options.update(new Set([priority]));
  }

  #windowOf(priority: number): Window {
    let window = this.#windows.get(priority);
    if (window === undefined) {
      window = { updatedAt: Number.NEGATIVE_INFINITY, timer: undefined };
      this.#windows.set(priority, window);
    }
    return window;
  }

  #count(name: string): void {
    this.#options.stats.stat(`cluster_manager.${name}`).value++;
  }
}
