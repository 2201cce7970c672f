import type { HostPool, PooledRequest, ResponseSink, StreamWaiter } from '../http/codec.ts';

/** Clients may name any host; beyond this a pool that has nothing to do is given up, else the one that was made first. */
const MAX_POOLS = 64;

/** The pools of a host whose connections depend on the request: on what its client speaks, on the host that it names, or on its client itself. */
export class KeyedPools<Key extends string> implements HostPool {
  readonly #keyOf: (request: PooledRequest | undefined) => Key;
  readonly #create: (key: Key, request: PooledRequest | undefined) => HostPool;
  readonly #pools = new Map<Key, HostPool>();
  #draining = false;

  constructor(
    keyOf: (request: PooledRequest | undefined) => Key,
    create: (key: Key, request: PooledRequest | undefined) => HostPool,
  ) {
    this.#keyOf = keyOf;
    this.#create = create;
  }

  newStream(sink: ResponseSink, waiter: StreamWaiter, request?: PooledRequest): () => void {
    return this.#poolFor(request).newStream(sink, waiter, request);
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

  get freeStreams(): number {
    return this.#sum((pool) => pool.freeStreams);
  }

  preconnect(ratio: number, request?: PooledRequest): boolean {
    return this.#poolFor(request).preconnect(ratio, request);
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

  #poolFor(request: PooledRequest | undefined): HostPool {
    const key = this.#keyOf(request);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      this.#makeRoom();
      pool = this.#create(key, request);
      if (this.#draining) pool.drain();
      this.#pools.set(key, pool);
    }
    return pool;
  }

  #makeRoom(): void {
    if (this.#pools.size < MAX_POOLS) return;
    const all = [...this.#pools];
    const idle = all.find(([, { activeStreams, pendingStreams }]) => activeStreams + pendingStreams === 0);
    const [key, pool] = idle ?? all[0]!;
    pool.drain();
    this.#pools.delete(key);
  }

  #sum(count: (pool: HostPool) => number): number {
    let sum = 0;
    for (const pool of this.#pools.values()) sum += count(pool);
    return sum;
  }
}
