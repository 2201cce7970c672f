import { type Clock, errorMessage, type Timer } from '#domain';
import type { AdsServer, ProxyNode, PushEvent, XdsSnapshot } from '#xds';
import type { ProxySyncStatus, PushSummary } from '../doors.ts';
import { type ChangeLog, type Concerns, createChangeLog } from './change-log.ts';
import { createDebounce, type DebounceTimes, labDebounce } from './debounce.ts';
import { createSyncTable } from './sync-table.ts';

export interface PushQueueOptions {
  readonly clock: Clock;
  readonly ads: Pick<AdsServer, 'connected' | 'node' | 'setSnapshot' | 'isIdle'>;
  /** Called once per push, before any `build`: the place to derive what all proxies share. */
  readonly onBegin?: (changeIds: readonly string[]) => void;
  /** Builds what one proxy is to hold. `changeIds` are the changes that this push brings it, oldest first. */
  readonly build: (node: ProxyNode, changeIds: readonly string[]) => XdsSnapshot;
  /** A push or a proxy's build failed; the other proxies are served. `nodeId` is absent when `onBegin` failed. */
  readonly onError: (cause: unknown, nodeId?: string) => void;
  readonly debounce?: DebounceTimes;
}

/** Turns changes of the store into pushes: debounced, at most one pending per proxy, and followed until all have answered. */
export interface PushQueue {
  /** Something changed. `startedMs` is Clock.now() when the store had it, the present by default; `debounce` how long more is waited for. */
  request(changeId: string, startedMs?: number, debounce?: DebounceTimes): void;
  /** Begins the push of what has changed, if anything has, without waiting for more. */
  flush(): void;
  /** To be called with every AdsServerOptions.onPush. */
  note(event: PushEvent): void;
  /** To be called with every AdsServerOptions.onDisconnect. */
  disconnected(nodeId: string): void;
  /** See ControlPlane. A change that has not been requested yet is waited for too. */
  settled(changeId: string, timeoutMs: number, concerns?: Concerns): Promise<PushSummary>;
  /** See ControlPlane. */
  answered(concerns: Concerns, timeoutMs: number): Promise<boolean>;
  syncStatus(): readonly ProxySyncStatus[];
  /** Forgets what is pending. */
  stop(): void;
}

/** Longest stretch of building snapshots before traffic gets a turn. */
const SLICE_MS = 5;

class Queue implements PushQueue {
  readonly #options: PushQueueOptions;
  readonly #changes: ChangeLog;
  readonly #sync = createSyncTable();
  readonly #debounce;
  /** Changes since the last push began. */
  #collected = new Set<string>();
  /** Proxies to build for, with the changes they are missing. */
  readonly #pending = new Map<string, Set<string>>();
  #draining: Timer | undefined;

  constructor(options: PushQueueOptions) {
    this.#options = options;
    this.#changes = createChangeLog(options.clock);
    this.#debounce = createDebounce(options.clock, options.debounce ?? labDebounce, () => this.#begin());
  }

  request(changeId: string, startedMs = this.#options.clock.now(), debounce?: DebounceTimes): void {
    this.#changes.open(changeId, startedMs);
    this.#collected.add(changeId);
    this.#debounce.touch(debounce);
  }

  flush(): void {
    this.#debounce.flush();
  }

  note(event: PushEvent): void {
    this.#sync.note(event);
    this.#changes.note(event);
    if (event.state === 'sent') return;
    // The server sends the next response in the same turn in which it reports an answer; only after that is idle really idle.
    queueMicrotask(() => this.#checkIdle(event.nodeId));
  }

  disconnected(nodeId: string): void {
    this.#sync.forget(nodeId);
    this.#pending.delete(nodeId);
    this.#changes.drop(nodeId);
  }

  settled(changeId: string, timeoutMs: number, concerns: Concerns = () => true): Promise<PushSummary> {
    return this.#changes.settled(changeId, timeoutMs, concerns);
  }

  answered(concerns: Concerns, timeoutMs: number): Promise<boolean> {
    return this.#changes.answered(concerns, timeoutMs);
  }

  syncStatus(): readonly ProxySyncStatus[] {
    return this.#sync.rows(this.#options.ads.connected());
  }

  stop(): void {
    this.#debounce.cancel();
    this.#draining?.cancel();
    this.#draining = undefined;
    this.#pending.clear();
    this.#collected.clear();
  }

  #begin(): void {
    const changeIds = [...this.#collected];
    this.#collected = new Set();
    const nodeIds = this.#options.ads.connected().map(({ id }) => id);
    this.#changes.begin(changeIds, nodeIds);
    try {
      this.#options.onBegin?.(changeIds);
    } catch (cause) {
      for (const nodeId of nodeIds) this.#changes.fail(nodeId, changeIds, errorMessage(cause));
      this.#options.onError(cause);
      return;
    }
    for (const nodeId of nodeIds) {
      const missing = this.#pending.get(nodeId) ?? new Set();
      for (const changeId of changeIds) missing.add(changeId);
      this.#pending.set(nodeId, missing);
    }
    if (!this.#draining) this.#drain();
  }

  #drain(): void {
    this.#draining = undefined;
    const { clock, ads } = this.#options;
    const endMs = clock.monotonic() + SLICE_MS;
    for (const [nodeId, changeIds] of this.#pending) {
      if (clock.monotonic() >= endMs) {
        this.#draining = clock.after(0, () => this.#drain());
        return;
      }
      this.#pending.delete(nodeId);
      const node = ads.node(nodeId);
      if (!node) continue;
      this.#push(node, [...changeIds]);
      const apartMs = clock.apartMs?.() ?? 0;
      if (apartMs === 0 || this.#pending.size === 0) continue;
      this.#draining = clock.after(apartMs, () => this.#drain());
      return;
    }
  }

  #push(node: ProxyNode, changeIds: readonly string[]): void {
    try {
      const snapshot = this.#options.build(node, changeIds);
      this.#changes.pushing(node.id, changeIds, snapshot.versionInfo);
      this.#options.ads.setSnapshot(node.id, snapshot);
      this.#checkIdle(node.id);
    } catch (cause) {
      this.#changes.fail(node.id, changeIds, errorMessage(cause));
      this.#options.onError(cause, node.id);
    }
  }

  #checkIdle(nodeId: string): void {
    if (this.#options.ads.isIdle(nodeId)) this.#changes.idle(nodeId);
  }
}

export function createPushQueue(options: PushQueueOptions): PushQueue {
  return new Queue(options);
}
