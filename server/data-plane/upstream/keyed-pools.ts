import type { HostPool, PooledRequest, ResponseSink, StreamWaiter } from '../http/codec.ts';

/** Clients may name any host; beyond this the pool that was made first is given up. */
const MAX_POOLS = 64;

/** The pools of a host whose connections depend on the request: on what its client speaks, or on the host that it names. */
export class KeyedPools<Key extends string> implements HostPool {
  readonly #keyOf: (request: PooledRequest | undefined) => Key;
  readonly #create: (key: Key) => HostPool;
  readonly #pools = new Map<Key, HostPool>();
  #draining = false;

  constructor(keyOf: (request: PooledRequest | undefined) => Key, create: (key: Key) => HostPool) {
    this.#keyOf = keyOf;
    this.#create = create;
  }

  newStream(sink: ResponseSink, waiter: StreamWaiter, request?: PooledRequest): () => void {
    return this.#poolFor(this.#keyOf(request)).newStream(sink, waiter, request);
  }

  get activeConnections(): number {
    return this.#sum((pool) => pool.activeConnections);
  }

  get activeStreams(): number {
    return this.#sum((pool) => pool.activeStreams);
  }

  get pendingStreams(): number {
    return this.#sum((pool) => pool.pendingStreams);
  }

  drain(): void {
    this.#draining = true;
    for (const pool of this.#pools.values()) pool.drain();
  }

  renew(): void {
    for (const pool of this.#pools.values()) pool.renew();
  }

  close(): void {
    this.#draining = true;
    for (const pool of this.#pools.values()) pool.close();
  }

  #poolFor(key: Key): HostPool {
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      this.#makeRoom();
      pool = this.#create(key);
      if (this.#draining) pool.drain();
      this.#pools.set(key, pool);
    }
    return pool;
  }

  #makeRoom(): void {
    if (this.#pools.size < MAX_POOLS) return;
    for (const [key, pool] of this.#pools) {
      pool.drain();
      this.#pools.delete(key);
      return;
    }
  }

  #sum(count: (pool: HostPool) => number): number {
    let sum = 0;
    for (const pool of this.#pools.values()) sum += count(pool);
    return sum;
  }
}
