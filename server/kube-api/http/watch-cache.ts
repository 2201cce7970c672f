import type { KindDefinition, KubeObject } from '#domain';
import type { KubeStore, WatchEvent } from '../doors.ts';
import { KubeStatusError } from '../status-error.ts';

/** One write, as watches replay it. */
export interface CachedEvent {
  readonly kind: KindDefinition;
  readonly event: WatchEvent;
  readonly resourceVersion: number;
}

/** Events kept for watches that begin in the past. */
const CAPACITY = 8192;

/**
 * The recent writes of a store, as an API server's watch cache keeps them: watches replay them, and a list can be had as it was at an
 * earlier version.
 */
export class WatchCache {
  readonly #store: KubeStore;
  readonly #capacity: number;
  readonly #events: CachedEvent[] = [];
  readonly #listeners = new Set<(cached: CachedEvent) => void>();
  /** Writes up to this version are no longer here. */
  #forgotten: number;
  readonly #end: () => void;

  constructor(store: KubeStore, capacity = CAPACITY) {
    this.#store = store;
    this.#capacity = capacity;
    this.#forgotten = this.current;
    let beginning = true;
    this.#end = store.watch('*', (event) => {
      if (!beginning) this.#add(event);
    });
    beginning = false;
  }

  get current(): number {
    return Number(this.#store.resourceVersion());
  }

  /** Calls `listener` for each write from now on, in order. Returns the function that ends it. */
  listen(listener: (cached: CachedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The writes of a kind after this version. Throws Expired when some of them are no longer known. */
  since(kind: KindDefinition, version: number): CachedEvent[] {
    if (version < this.#forgotten) {
      throw new KubeStatusError('Expired', `too old resource version: ${version} (${this.#forgotten})`);
    }
    return this.#events.filter((each) => each.kind === kind && each.resourceVersion > version);
  }

  /** A kind's objects as they were at a version. Throws Expired, or Timeout for a version that is not there yet. */
  listAt(kind: KindDefinition, version: number): KubeObject[] {
    this.requireReached(version);
    const present = this.#store.list(`${kind.kind}.${kind.group}`);
    if (version === this.current) return present;
    if (version < this.#forgotten) {
      throw new KubeStatusError('Expired', 'The resourceVersion for the provided list is too old.');
    }
    const key = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;
    const objects = new Map(present.map((object) => [key(object), object]));
    for (const { event } of this.since(kind, version).reverse()) {
      const { object, previous, type } = event;
      if (type === 'ADDED') objects.delete(key(object));
      else objects.set(key(object), previous ?? object);
    }
    return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Throws Timeout for a version that no write has reached. */
  requireReached(version: number): void {
    if (version <= this.current) return;
    const message = `Too large resource version: ${version}, current: ${this.current}`;
    const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version', field: '' }];
    throw new KubeStatusError('Timeout', `Timeout: ${message}`, { causes, retryAfterSeconds: 1 });
  }

  stop(): void {
    this.#end();
    this.#listeners.clear();
  }

  #add(event: WatchEvent): void {
    const kind = this.#store.kinds.forObject(event.object.apiVersion, event.object.kind);
    if (!kind) return;
    const cached = { kind, event, resourceVersion: Number(event.object.metadata.resourceVersion) };
    this.#events.push(cached);
    // Trimmed in blocks: moving the whole array for each event would be slow.
    if (this.#events.length >= this.#capacity * 1.25) {
      const dropped = this.#events.splice(0, this.#events.length - this.#capacity);
      this.#forgotten = dropped.at(-1)?.resourceVersion ?? this.#forgotten;
    }
    for (const listener of [...this.#listeners]) listener(cached);
  }
}

/** Reads a resourceVersion of a query; undefined when there is none. Throws BadRequest for what is no number. */
export function readResourceVersion(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const why = `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw new KubeStatusError('BadRequest', `resourceVersion: Invalid value: ${JSON.stringify(text)}: ${why}`);
}
